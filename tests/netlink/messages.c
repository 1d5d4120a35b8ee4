/*
 * Sends netlink messages whose attributes are made up: for each object of rtnetlink each type of attribute, in several
 * lengths. They only ask, so that nothing is changed, and are mostly refused: what counts is how a tracer shows them.
 */
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static char page[4096];

static void send_one(int fd, int type, int header, unsigned char family, int attribute, int length)
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
	message->nlmsg_flags = NLM_F_REQUEST;
	syscall(SYS_sendto, fd, page, message->nlmsg_len, MSG_DONTWAIT, 0, 0);
}

int main(void)
{
	static const struct {
		int type, header, attributes;
		unsigned char families[3];
	} objects[] = {
		{ RTM_GETLINK, 16, 64, { AF_UNSPEC, AF_BRIDGE, AF_INET6 } },
		{ RTM_GETADDR, 8, 12, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETROUTE, 12, 31, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETNEIGH, 12, 17, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETRULE, 12, 25, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETQDISC, 20, 15, { AF_UNSPEC, AF_INET, AF_INET6 } },
		{ RTM_GETNEIGHTBL, 4, 10, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETADDRLABEL, 12, 3, { AF_INET6, AF_INET, AF_UNSPEC } },
		{ RTM_GETNETCONF, 1, 9, { AF_INET, AF_INET6, AF_UNSPEC } },
		{ RTM_GETSTATS, 12, 6, { AF_UNSPEC, AF_INET, AF_INET6 } },
		{ RTM_GETNSID, 1, 6, { AF_UNSPEC, AF_INET, AF_INET6 } },
	};
	static const int lengths[] = { 2, 4, 8, 28, 200 };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	unsigned int object, family, length;
	int attribute;

	if (fd < 0)
		return 1;
	for (object = 0; object < sizeof objects / sizeof *objects; object++)
		for (family = 0; family < 3; family++)
			for (attribute = 0; attribute < objects[object].attributes; attribute++)
				for (length = 0; length < sizeof lengths / sizeof *lengths; length++)
					send_one(fd, objects[object].type, objects[object].header,
						 objects[object].families[family], attribute, lengths[length]);
	return 0;
}
