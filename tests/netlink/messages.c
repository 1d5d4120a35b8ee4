/*
 * Sends netlink messages whose attributes are made up: for each object of rtnetlink, and each question and answer of
 * sock_diag, each type of attribute, in several lengths. They only ask, so that nothing is changed, and are mostly refused: what counts is how a tracer shows them.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[4096];

static void send_one(int fd, int flags, int type, int header, unsigned char family, int attribute, int length)
{
	struct nlmsghdr *message = (void *)page;
	struct nlattr *nla;
	int at = NLMSG_HDRLEN + NLMSG_ALIGN(header), i;

	memset(page, 0, sizeof page);
	page[NLMSG_HDRLEN] = family;
	nla = (void *)(page + at);
	nla->nla_len = NLA_HDRLEN + length;
	nla->nla_type = attribute;
	for (i = 0; i < length; i++)
		page[at + NLA_HDRLEN + i] = 0x80 + i * 7;
	message->nlmsg_len = at + NLA_HDRLEN + length;
	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	syscall(SYS_sendto, fd, page, message->nlmsg_len, MSG_DONTWAIT, 0, 0);
}

int main(void)
{
	static const struct {
		int protocol, flags, type, header, attributes;
		unsigned char families[3];
	} objects[] = {
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETLINK, 16, 64, { AF_UNSPEC, AF_BRIDGE, AF_INET6 } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETADDR, 8, 12, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETROUTE, 12, 31, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETNEIGH, 12, 17, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETRULE, 12, 25, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETQDISC, 20, 15, { AF_UNSPEC, AF_INET, AF_INET6 } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETNEIGHTBL, 4, 10, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETADDRLABEL, 12, 3, { AF_INET6, AF_INET, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETNETCONF, 1, 9, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETSTATS, 12, 6, { AF_UNSPEC, AF_INET, AF_INET6 } },
		{ NETLINK_ROUTE, NLM_F_REQUEST, RTM_GETNSID, 1, 6, { AF_UNSPEC, AF_INET, AF_INET6 } },
		{ NETLINK_SOCK_DIAG, NLM_F_REQUEST, SOCK_DIAG_BY_FAMILY, 56, 4, { AF_INET, AF_INET6, AF_UNSPEC } },
		/* The kernel passes over what is no request. */
		{ NETLINK_SOCK_DIAG, 0, SOCK_DIAG_BY_FAMILY, 72, 22, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ NETLINK_SOCK_DIAG, 0, SOCK_DIAG_BY_FAMILY, 16, 9, { AF_UNIX, AF_UNSPEC, AF_PACKET } },
		{ NETLINK_SOCK_DIAG, 0, SOCK_DIAG_BY_FAMILY, 72, 6, { 43 /* AF_SMC */, AF_UNSPEC, AF_UNSPEC } },
	};
	static const int lengths[] = { 2, 4, 8, 28, 200 };
	int fds[] = { socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG) };
	unsigned int object, family, length;
	int attribute;

	if (fds[0] < 0 || fds[1] < 0)
		return 1;
	for (object = 0; object < sizeof objects / sizeof *objects; object++)
		for (family = 0; family < 3; family++)
			for (attribute = 0; attribute < objects[object].attributes; attribute++)
				for (length = 0; length < sizeof lengths / sizeof *lengths; length++)
					send_one(fds[objects[object].protocol != NETLINK_ROUTE], objects[object].flags,
						 objects[object].type, objects[object].header,
						 objects[object].families[family], attribute, lengths[length]);
	return 0;
}
