/* SPDX-License-Identifier: Apache-2.0 */
/* The queue manager's own main.c, under another name: it gives its struct daemon_program to the house's daemon_run. */
int qmgr_main(int argc, char **argv);

#define main qmgr_main
#include "qmgr/main.c"
