/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/compiler.h"

#include <stdbool.h>

/*
 * list - a ring of nodes embedded in what it links. The head is a node of its own.
 * Walk: for (n = head.next; n != &head; n = n->next) with CONTAINER_OF(n, type, member).
 * list_remove leaves the node linked to itself, so that removing it again does nothing.
 */
struct list {
    struct list *next;
    struct list *previous;
};

static inline void list_init(struct list *node)
{
    node->next = node;
    node->previous = node;
}

static inline bool list_is_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_after(struct list *place, struct list *node)
{
    node->previous = place;
    node->next = place->next;
    place->next->previous = node;
    place->next = node;
}

static inline void list_append(struct list *head, struct list *node)
{
    list_insert_after(head->previous, node);
}

static inline void list_prepend(struct list *head, struct list *node)
{
    list_insert_after(head, node);
}

static inline void list_remove(struct list *node)
{
    node->previous->next = node->next;
    node->next->previous = node->previous;
    list_init(node);
}

#endif
