/* For LD_PRELOAD: every flush of the process takes BENCH_FSYNC_MICROSECONDS longer. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void wait_longer(void) {
  const char *microseconds = getenv("BENCH_FSYNC_MICROSECONDS");
  if (microseconds) usleep((useconds_t)atoi(microseconds));
}

int fsync(int file) {
  wait_longer();
  return (int)syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  wait_longer();
  return (int)syscall(SYS_fdatasync, file);
}
