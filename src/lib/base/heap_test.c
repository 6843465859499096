/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "unit.h"

struct number {
    struct heap_node node;
    unsigned value;
};

static bool is_smaller(const struct heap_node *a, const struct heap_node *b)
{
    return CONTAINER_OF(a, const struct number, node)->value < CONTAINER_OF(b, const struct number, node)->value;
}

static unsigned take_first(struct heap *heap)
{
    struct heap_node *node = heap_first(heap);

    heap_remove(heap, node);
    return CONTAINER_OF(node, struct number, node)->value;
}

TEST(what_is_added_in_any_order_comes_out_in_order)
{
    static struct number numbers[1000];
    struct heap heap;

    heap_init(&heap, is_smaller);
    for (unsigned i = 0; i < 1000; i++) {
        numbers[i].value = i * 387 % 1000;
        heap_add(&heap, &numbers[i].node);
    }
    for (unsigned i = 0; i < 1000; i++)
        EXPECT_UINT(take_first(&heap), i);
    EXPECT(heap_is_empty(&heap));
}

TEST(any_node_can_be_taken_out_and_put_back)
{
    static struct number numbers[500];
    struct heap heap;

    heap_init(&heap, is_smaller);
    for (unsigned i = 0; i < 500; i++) {
        numbers[i].value = i * 7 % 500;
        heap_add(&heap, &numbers[i].node);
    }
    heap_remove(&heap, heap_first(&heap));
    for (unsigned i = 0; i < 500; i++) {
        bool was_in = numbers[i].node.is_in;

        heap_remove(&heap, &numbers[i].node);
        heap_remove(&heap, &numbers[i].node);
        if (was_in && numbers[i].value % 2 == 0) {
            numbers[i].value = 1000 - numbers[i].value;
            heap_add(&heap, &numbers[i].node);
        }
    }
    for (unsigned value = 502; value < 1000; value += 2)
        EXPECT_UINT(take_first(&heap), value);
    EXPECT(heap_is_empty(&heap));
}
