/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPD_HELD_CONTENT_H
#define SMTPD_HELD_CONTENT_H

#include "base/failure.h"
#include "base/str.h"

struct loop;

/*
 * held_content - messages that wait in this process until they are whole (smtpd_proxy_options = speed_adjust). The
 * first HELD_PIECE bytes of each are in memory; the rest goes, in such pieces, into one file without a name that
 * all messages of the process share, opened before the jail. Pieces of a message that has ended are used again, and
 * unused ones at the file's end are cut off. Threads read and write it; nothing is synced.
 */
struct held_content_file;
struct held_content;

enum { HELD_PIECE = 64 * 1024 };

/* Before the jail. directory: on the filesystem whose space is to be used. */
MUST_USE bool held_content_file_open(const char *directory, struct held_content_file **file_out, struct failure *why);
/* In the jail; threads work for loop from now on. */
void held_content_file_start(struct held_content_file *file, struct loop *loop);
/* No message may be left. Leaves *file NULL; NULL is fine. */
void held_content_file_close(struct held_content_file **file);
/* Bytes of the file now. */
uint64_t held_content_file_size(const struct held_content_file *file);

struct held_content *held_content_create(struct held_content_file *file);
/* Leaves *held NULL; NULL is fine. May wait. */
void held_content_destroy(struct held_content **held);
/* bytes: of any length. May wait. After a failure nothing can be read. */
MUST_USE bool held_content_add(struct held_content *held, struct str bytes, struct failure *why);
/*
 * What was added, from the start, in pieces: the next one, valid until the next call; empty at the end. May wait.
 * Nothing can be added any more.
 */
MUST_USE bool held_content_next(struct held_content *held, struct str *piece_out, struct failure *why);

#endif
