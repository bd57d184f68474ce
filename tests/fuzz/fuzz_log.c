/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow log through the reader. A tuple has a state that fits its verdict and one family; an error has
 * a text. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "flow/log_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nsg_log_reader *open_bytes(const uint8_t *data, size_t size)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return nsg_log_reader_new(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nsg_log_reader *l = open_bytes(data, size);
	struct nsg_log_tuple t;
	int r;

	if (!l)
		abort();
	while ((r = nsg_log_reader_next(l, &t)) == 1)
		if (!t.rule || !t.state || !strchr("BCED", t.state) ||
		    t.denied != (t.state == 'D') ||
		    (t.is_ip6 && (t.key.src_host || t.key.dst_host)))
			abort();
	if (r > 0 || (r == -EBADMSG) != (*nsg_log_reader_error(l) != '\0'))
		abort();
	nsg_log_reader_free(l);
	return 0;
}
