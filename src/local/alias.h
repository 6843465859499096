/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LOCAL_ALIAS_H
#define LOCAL_ALIAS_H

#include "local/scene.h"

/* alias - looks the scene's name up in alias_maps, with and without its extension, and delivers to what it stands for.
 */

/* False: there is no such alias, or we are inside of it already. True: delivered, or the failure is reported. */
bool alias_deliver(const struct scene *scene);

#endif
