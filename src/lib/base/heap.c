/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/check.h"

#include <stddef.h>

void heap_init(struct heap *heap, heap_order *is_before)
{
    heap->root = NULL;
    heap->is_before = is_before;
}

static struct heap_node *meld(const struct heap *heap, struct heap_node *a, struct heap_node *b)
{
    struct heap_node *first = a;
    struct heap_node *second = b;

    if (heap->is_before(b, a)) {
        first = b;
        second = a;
    }
    second->next = first->child;
    if (first->child != NULL)
        first->child->previous = second;
    second->previous = first;
    first->child = second;
    first->next = NULL;
    first->previous = NULL;
    return first;
}

/* Two by two from the left, then all from the right: what keeps removal logarithmic. */
static struct heap_node *meld_siblings(const struct heap *heap, struct heap_node *first)
{
    struct heap_node *pairs = NULL;
    struct heap_node *melded = NULL;

    while (first != NULL) {
        struct heap_node *a = first;
        struct heap_node *b = a->next;

        first = b != NULL ? b->next : NULL;
        if (b != NULL)
            a = meld(heap, a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        struct heap_node *pair = pairs;

        pairs = pair->next;
        melded = melded != NULL ? meld(heap, melded, pair) : pair;
    }
    if (melded != NULL) {
        melded->next = NULL;
        melded->previous = NULL;
    }
    return melded;
}

void heap_add(struct heap *heap, struct heap_node *node)
{
    CHECK(!node->is_in);
    node->child = NULL;
    node->next = NULL;
    node->previous = NULL;
    node->is_in = true;
    heap->root = heap->root != NULL ? meld(heap, heap->root, node) : node;
}

static void cut(struct heap_node *node)
{
    if (node->previous->child == node)
        node->previous->child = node->next;
    else
        node->previous->next = node->next;
    if (node->next != NULL)
        node->next->previous = node->previous;
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    struct heap_node *rest;

    if (!node->is_in)
        return;
    node->is_in = false;
    rest = meld_siblings(heap, node->child);
    if (node == heap->root) {
        heap->root = rest;
    } else {
        cut(node);
        if (rest != NULL)
            heap->root = meld(heap, heap->root, rest);
    }
}
