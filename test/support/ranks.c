// SPDX-License-Identifier: Apache-2.0
// An MPI program, compiled for each MPI by scripts/make-image and by tests.
//   ranks                 a line from each rank: which it is, where, and the sum of all ranks' numbers
//   ranks pingpong BYTES  rank 0 prints half the round trip between the first and the last rank, in microseconds:
//                         the least of ten rounds of 200, as OSU's latency benchmark counts it
//   ranks wait            like the first, then waits to be ended
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 10, TRIPS = 200 };

static double trips(int rank, int last, char *buffer, int bytes) {
  double start = MPI_Wtime();
  for (int i = 0; i < TRIPS; i++) {
    int peer = rank == 0 ? last : 0;
    if (rank == 0)
      MPI_Send(buffer, bytes, MPI_CHAR, peer, 1, MPI_COMM_WORLD);
    MPI_Recv(buffer, bytes, MPI_CHAR, peer, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (rank != 0)
      MPI_Send(buffer, bytes, MPI_CHAR, peer, 1, MPI_COMM_WORLD);
  }
  return (MPI_Wtime() - start) * 1e6 / (2 * TRIPS);
}

int main(int argc, char **argv) {
  int rank, size, length, sum;
  char host[MPI_MAX_PROCESSOR_NAME], version[MPI_MAX_LIBRARY_VERSION_STRING];
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc > 2 && strcmp(argv[1], "pingpong") == 0) {
    int bytes = atoi(argv[2]), last = size - 1;
    char *buffer = calloc(1, (size_t)bytes + 1);
    double least = 1e12;
    for (int i = 0; (rank == 0 || rank == last) && last > 0 && i < ROUNDS; i++) {
      double now = trips(rank, last, buffer, bytes);
      least = now < least ? now : least;
    }
    if (rank == 0)
      printf("%.3f\n", least);
    free(buffer);
  } else {
    MPI_Get_processor_name(host, &length);
    MPI_Get_library_version(version, &length);
    version[strcspn(version, "\n")] = 0;
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    printf("rank %d of %d on %s, sum %d, %s\n", rank, size, host, sum, version);
    fflush(stdout);
    if (argc > 1 && strcmp(argv[1], "wait") == 0)
      pause();
  }
  return MPI_Finalize();
}
