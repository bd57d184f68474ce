/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/decide_priv.h"
#include "classify/search_priv.h"

#define BATCH_NAME nsg_simd_portable
#define BATCH_TARGET

#include "classify/batch_priv.h"
