/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_LAST_WORDS_H
#define BASE_LAST_WORDS_H

/*
 * last_words - what a process still says when it must end at once: to standard error, which a service has nowhere,
 * and to whoever listens, which is the log. Nothing here takes memory or a lock: the heap may be empty or broken.
 */

/* text has its level before it ("panic: ...") and no newline. What the listener says in its turn is not heard. */
void last_words(const char *text);

/* One listener, NULL takes it away. It may be called on any thread, and must take no memory either. */
void last_words_listen(void (*listener)(const char *text));

#endif
