/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/compiler.h"

#include <stdbool.h>

/*
 * heap - the first of many by an order that the owner gives, its nodes embedded in what it orders (a pairing heap).
 *
 * Adding costs constant time, removing any node logarithmic time on average. What a node is ordered by may change only
 * while the node is out. Among equals the order is not defined.
 */
struct heap_node {
    struct heap_node *child;
    struct heap_node *next;
    struct heap_node *previous; /* the node before it among its siblings; of the first one the parent */
    bool is_in;
};

typedef bool heap_order(const struct heap_node *a, const struct heap_node *b);

struct heap {
    struct heap_node *root;
    heap_order *is_before;
};

void heap_init(struct heap *heap, heap_order *is_before);
static inline bool heap_is_empty(const struct heap *heap)
{
    return heap->root == NULL;
}
/* NULL if it is empty. */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->root;
}
/* A zeroed node is out. */
void heap_add(struct heap *heap, struct heap_node *node);
/* Nothing if it is out. */
void heap_remove(struct heap *heap, struct heap_node *node);

#endif
