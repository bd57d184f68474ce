/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/attr.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

bool nsg_attr_next(struct nsg_bytes *bytes, uint16_t *ret_number, struct nsg_bytes *ret_payload)
{
	struct nlattr attr;
	size_t step;

	if (bytes->size < NLA_HDRLEN)
		return false;
	memcpy(&attr, bytes->data, sizeof(attr));
	if (attr.nla_len < NLA_HDRLEN || attr.nla_len > bytes->size)
		return false;
	*ret_number = attr.nla_type & NLA_TYPE_MASK;
	*ret_payload = (struct nsg_bytes){(const char *)bytes->data + NLA_HDRLEN,
					  attr.nla_len - (size_t)NLA_HDRLEN};
	/* the last one need not be padded */
	step = (size_t)NLA_ALIGN(attr.nla_len);
	if (step > bytes->size)
		step = bytes->size;
	bytes->data = (const char *)bytes->data + step;
	bytes->size -= step;
	return true;
}

/* False when the payload does not have the size of the type. */
static bool store(enum nsg_attr_type type, struct nsg_bytes payload, void *field)
{
	static const uint8_t sizes[] = {
	    [NSG_ATTR_U8] = 1,	 [NSG_ATTR_U32] = 4,  [NSG_ATTR_U64] = 8,
	    [NSG_ATTR_BE16] = 2, [NSG_ATTR_BE32] = 4, [NSG_ATTR_BE64] = 8,
	};
	const char *text = payload.data;
	uint16_t be16;
	uint32_t be32;
	uint64_t be64;

	switch (type) {
	case NSG_ATTR_BYTES:
		memcpy(field, &payload, sizeof(payload));
		return true;
	case NSG_ATTR_STRING:
		if (!payload.size || text[payload.size - 1])
			return false;
		memcpy(field, &text, sizeof(text));
		return true;
	default:
		break;
	}
	if (payload.size != sizes[type])
		return false;
	switch (type) {
	case NSG_ATTR_BE16:
		memcpy(&be16, payload.data, sizeof(be16));
		be16 = be16toh(be16);
		memcpy(field, &be16, sizeof(be16));
		break;
	case NSG_ATTR_BE32:
		memcpy(&be32, payload.data, sizeof(be32));
		be32 = be32toh(be32);
		memcpy(field, &be32, sizeof(be32));
		break;
	case NSG_ATTR_BE64:
		memcpy(&be64, payload.data, sizeof(be64));
		be64 = be64toh(be64);
		memcpy(field, &be64, sizeof(be64));
		break;
	default:
		memcpy(field, payload.data, payload.size);
		break;
	}
	return true;
}

int nsg_attr_parse_bytes(struct nsg_bytes bytes, const struct nsg_attr *policy, size_t n, void *ret)
{
	struct nsg_bytes payload;
	uint64_t found = 0;
	uint16_t number;

	while (nsg_attr_next(&bytes, &number, &payload))
		for (size_t i = 0; number && i < n; i++)
			if (policy[i].number == number &&
			    store(policy[i].type, payload, (char *)ret + policy[i].offset))
				found |= UINT64_C(1) << i;
	for (size_t i = 0; i < n; i++)
		if (policy[i].required && !(found >> i & 1))
			return -EBADMSG;
	return 0;
}

int nsg_attr_parse(const struct nlmsghdr *nlh, size_t header, const struct nsg_attr *policy,
		   size_t n, void *ret)
{
	const size_t before = NLMSG_HDRLEN + NLMSG_ALIGN(header);

	if (nlh->nlmsg_len < NLMSG_LENGTH(header))
		return -EBADMSG;
	if (nlh->nlmsg_len < before)
		return nsg_attr_parse_bytes((struct nsg_bytes){0}, policy, n, ret);
	return nsg_attr_parse_bytes(
	    (struct nsg_bytes){(const char *)nlh + before, nlh->nlmsg_len - before}, policy, n,
	    ret);
}
