/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "classify/decide.h"
#include "classify/search.h"

#define BATCH_NAME nsg_simd_portable
#define BATCH_TARGET

#include "classify/batch.h"
