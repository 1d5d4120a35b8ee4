# incident: kinsing (2020): a miner passes for a thread of the kernel
# finding: kernel-thread-posed
(exec -a '[kworker/u8:2]' sleep 0.1)
