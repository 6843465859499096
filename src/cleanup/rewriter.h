/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLEANUP_REWRITER_H
#define CLEANUP_REWRITER_H

#include "base/arena.h"
#include "base/failure.h"
#include "base/str.h"
#include "base/time.h"

/*
 * rewriter - addresses in standard form, asked of trivial-rewrite in batches and remembered.
 *
 * Addresses go in and come out in internal form. What was remembered is forgotten when trivial-rewrite is replaced,
 * says that its configuration is another one, and all of it when there is too much. Calls wait, so they are made in a
 * fiber.
 */
struct endpoint;
struct rewriter;

struct rewriter *rewriter_create(struct endpoint *endpoint, struct duration timeout);
void rewriter_destroy(struct rewriter **rewriter);

/* Replaces each address by its standard form, in arena; the empty one stays. FAILURE: try later. */
MUST_USE bool rewriter_standardize(struct rewriter *rewriter, bool is_local, struct str *addresses, size_t count,
                                   struct arena *arena, struct failure *why);

#endif
