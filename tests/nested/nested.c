/* Calls with structures inside structures, none of which succeeds but sendmmsg and recvmsg: nested.c known|newer. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <linux/userfaultfd.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char room[512], out[32];

/* A message with one control message, to nobody. */
static void control(int level, int type, const void *data, int len)
{
	struct msghdr message = { .msg_control = room, .msg_controllen = CMSG_SPACE(len) };
	struct cmsghdr *head = (void *)room;
	memset(room, 0, sizeof room);
	head->cmsg_level = level;
	head->cmsg_type = type;
	head->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(head), data, len);
	sendmsg(-1, &message, 0);
}

static struct {
	struct sock_extended_err error;
	struct sockaddr_in offender;
} error = { { 111, 2, 3, 3, 0, 5, { 6 } }, { AF_INET } };

static void controls(void)
{
	struct in_pktinfo info = { 1, { htonl(0x7f000001) }, { htonl(0x7f000002) } };
	int number = 64, other = 0xdeadbeef;
	unsigned char octet = 0x10;
	error.offender.sin_port = htons(7);
	error.offender.sin_addr.s_addr = htonl(0x7f000001);
	control(SOL_IP, IP_PKTINFO, &info, sizeof info);
	control(SOL_IP, IP_PKTINFO, &info, 5);
	control(SOL_IP, IP_TTL, &number, 4);
	control(SOL_IP, IP_TTL, &number, 2);
	control(SOL_IP, IP_TOS, &octet, 1);
	control(SOL_IP, IP_TOS, &number, 4);
	control(SOL_IP, IP_RECVERR, &error, sizeof error);
	control(SOL_IP, IP_RECVOPTS, "\7\4\4", 4);
	control(SOL_IP, IP_RETOPTS, "\7\4\4", 4);
	control(SOL_IP, IP_CHECKSUM, &other, 4);
	control(SOL_IP, IP_ORIGDSTADDR, &error.offender, sizeof error.offender);
	control(SOL_IP, 91, &number, 4);
	control(6, 1, &number, 4);
	long moments[6] = { 1, 2, 3, 4, 5, 6 };
	control(SOL_SOCKET, 29, moments, 2 * sizeof *moments);
	control(SOL_SOCKET, 35, moments, 2 * sizeof *moments);
	control(SOL_SOCKET, 37, moments, sizeof moments);
	control(SOL_SOCKET, 29, moments, 9);
	control(SOL_SOCKET, 37, moments, 40);
	control(SOL_SOCKET, 2, moments, 11);
	control(SOL_IP, IP_RECVERR, &error, 24);
	control(SOL_IP, IP_ORIGDSTADDR, &error.offender, 12);
	control(SOL_SOCKET, 3, "unconfined", 11);
}

static void keys(void)
{
	struct keyctl_dh_params secret = { { 11 }, 22, 33 };
	struct keyctl_kdf_params derive = { "sha256", "abc", 3 };
	struct keyctl_pkey_params params = { 5, 4, { 6 } };
	struct keyctl_pkey_query query;
	syscall(SYS_keyctl, KEYCTL_DH_COMPUTE, &secret, out, 32, &derive);
	syscall(SYS_keyctl, KEYCTL_DH_COMPUTE, &secret, out, 32, NULL);
	syscall(SYS_keyctl, KEYCTL_PKEY_QUERY, 1, 0, "enc=pkcs1", &query);
	syscall(SYS_keyctl, KEYCTL_PKEY_ENCRYPT, &params, "enc=pkcs1", "data", out);
	syscall(SYS_keyctl, KEYCTL_PKEY_DECRYPT, &params, "x", "data", out);
	syscall(SYS_keyctl, KEYCTL_PKEY_SIGN, &params, "x", "data", out);
	syscall(SYS_keyctl, KEYCTL_PKEY_VERIFY, &params, "enc=pkcs1", "data", "signat");
}

static void tasks(void)
{
	pid_t tids[2] = { 11, 22 };
	struct clone_args args = { .flags = 1, .set_tid = (unsigned long)tids, .set_tid_size = 2 };
	syscall(SYS_clone3, &args, sizeof args);
	args.set_tid = 0x1000;
	syscall(SYS_clone3, &args, sizeof args);
}

static void messages(void)
{
	int pair[2];
	char part[3];
	struct iovec text = { "hello", 5 }, short_ = { part, 3 };
	struct mmsghdr both[2] = { { { .msg_iov = &text, .msg_iovlen = 1 } }, { { .msg_iov = &text, .msg_iovlen = 1 } } };
	struct msghdr one = { .msg_iov = &short_, .msg_iovlen = 1 };
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	sendmmsg(pair[0], both, 2, 0);
	sendmmsg(-1, both, 2, 0);
	recvmsg(pair[1], &one, MSG_TRUNC);
}

/* What strace 6.1 does not take apart. */
static void newer(void)
{
	struct in6_pktinfo info = { IN6ADDR_LOOPBACK_INIT, 1 };
	int number = 64, fd = -7;
	unsigned long words[8] = { 0x1000, 0x2000, 1, 1 };
	control(SOL_IPV6, IPV6_PKTINFO, &info, sizeof info);
	control(SOL_IPV6, IPV6_HOPLIMIT, &number, 4);
	control(SOL_IPV6, IPV6_RECVERR, &error, sizeof error);
	control(SOL_SOCKET, 4, &fd, 4);
	ioctl(-1, UFFDIO_WRITEPROTECT, words);
	ioctl(-1, UFFDIO_CONTINUE, words);
	ioctl(-1, 0xc020aa08, words);
	ioctl(-1, 0xc028aa05, words);
	struct arpreq entry = { .arp_ha = { ARPHRD_ETHER, "\1\2\3\4\5\6" }, .arp_flags = ATF_COM | ATF_PERM, .arp_dev = "eth0" };
	error.offender.sin_addr.s_addr = htonl(0x0a000001);
	memcpy(&entry.arp_pa, &error.offender, sizeof entry.arp_pa);
	ioctl(-1, SIOCSARP, &entry);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "newer")) {
		newer();
		return 0;
	}
	controls();
	keys();
	tasks();
	messages();
	return 0;
}
