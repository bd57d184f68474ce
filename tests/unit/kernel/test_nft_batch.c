/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "kernel/nft_batch.h"
#include "support/fake_netlink.h"

/* begin, table, chain, counter, end */
static void build(struct nsg_nft_batch *b)
{
	nsg_nft_batch_begin(b, "unit");
	nsg_nft_table_add(b, 0);
	nsg_nft_chain(b, "capture");
	nsg_nft_counter(b, "queued");
}

static int transact(struct fake_netlink *f, struct nsg_nft_batch *b, struct nsg_diag *diag)
{
	struct nsg_nl nl;
	int r;

	fake_netlink_open(f, &nl);
	nl.seq = 100;
	r = nsg_nft_batch_send(b, &nl, "loading", diag);
	nsg_nl_close(&nl);
	return r;
}

static void a_batch_is_one_transaction_numbered_in_order(void **state)
{
	static const int types[] = {NFNL_MSG_BATCH_BEGIN,
				    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
				    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWCHAIN,
				    NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWOBJ, NFNL_MSG_BATCH_END};
	struct fake_netlink f = {0};
	const struct nlmsghdr *nlh;
	struct nsg_nft_batch b;
	uint32_t i = 0;
	int left;

	(void)state;
	build(&b);
	fake_datagram(&f);
	fake_error(&f, 3, 0, NULL); /* the last one that is not an edge */
	assert_int_equal(transact(&f, &b, NULL), 0);
	assert_int_equal(f.n_sends, 1);
	left = (int)f.sent_size;
	for (nlh = (const void *)f.sent; mnl_nlmsg_ok(nlh, left);
	     nlh = mnl_nlmsg_next(nlh, &left)) {
		assert_int_equal(nlh->nlmsg_type, types[i]);
		assert_int_equal(nlh->nlmsg_seq, 101 + i);
		assert_int_equal(!!(nlh->nlmsg_flags & NLM_F_ACK), i == 3);
		i++;
	}
	assert_int_equal(i, 5);
	nsg_nft_batch_done(&b);
}

static void an_error_names_what_was_being_added(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_diag diag = {0};
	struct nsg_nft_batch b;

	(void)state;
	build(&b);
	fake_datagram(&f);
	fake_error(&f, 2, -EEXIST, "chain type differs");
	assert_int_equal(transact(&f, &b, &diag), -EEXIST);
	assert_int_equal(diag.n_errors, 1);
	assert_string_equal(
	    diag.v[0].text,
	    "loading: table ip unit: chain capture: File exists (chain type differs)");
	nsg_diag_done(&diag);
	nsg_nft_batch_done(&b);
}

static void a_refused_transaction_names_the_missing_right(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_diag diag = {0};
	struct nsg_nft_batch b;

	(void)state;
	build(&b);
	fake_datagram(&f);
	fake_error(&f, 0, -EPERM, NULL);
	assert_int_equal(transact(&f, &b, &diag), -EPERM);
	assert_non_null(strstr(diag.v[0].text, "CAP_NET_ADMIN"));
	nsg_diag_done(&diag);
	nsg_nft_batch_done(&b);
}

static void silence_of_the_kernel_is_an_error(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_diag diag = {0};
	struct nsg_nft_batch b;

	(void)state;
	build(&b);
	assert_int_equal(transact(&f, &b, &diag), -EIO);
	nsg_diag_done(&diag);
	nsg_nft_batch_done(&b);
}

static void an_empty_batch_is_not_sent(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_nft_batch b;

	(void)state;
	nsg_nft_batch_begin(&b, "unit");
	assert_true(nsg_nft_batch_is_empty(&b));
	assert_int_equal(transact(&f, &b, NULL), 0);
	assert_int_equal(f.n_sends, 0);
	nsg_nft_batch_done(&b);
}

static void the_first_error_of_building_comes_out_at_the_end(void **state)
{
	struct fake_netlink f = {0};
	struct nsg_nft_batch b;

	(void)state;
	build(&b);
	nsg_nft_fail(&b, -ENOMEM);
	nsg_nft_fail(&b, -EINVAL);
	nsg_nft_chain(&b, "more");
	assert_int_equal(transact(&f, &b, NULL), -ENOMEM);
	assert_int_equal(f.n_sends, 0);
	nsg_nft_batch_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_batch_is_one_transaction_numbered_in_order),
	    cmocka_unit_test(an_error_names_what_was_being_added),
	    cmocka_unit_test(a_refused_transaction_names_the_missing_right),
	    cmocka_unit_test(silence_of_the_kernel_is_an_error),
	    cmocka_unit_test(an_empty_batch_is_not_sent),
	    cmocka_unit_test(the_first_error_of_building_comes_out_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
