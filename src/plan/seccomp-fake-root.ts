// SPDX-License-Identifier: Apache-2.0
// A seccomp filter that answers the calls of package managers and installers which only root may make: changing owners
// and identities, and making device files. They are told that it worked, and nothing is done. seccomp(2), bpf(4).
// x86-64 and arm64 are in one program, so that a plan does not depend on the machine that made it.

type Architecture = {
  /** AUDIT_ARCH_*. */
  readonly audit: number;
  /** Calls that always succeed. */
  readonly faked: readonly number[];
  /** Calls that make files, and which argument is the mode: faked for devices only. */
  readonly mknod: readonly { readonly call: number; readonly modeArgument: number }[];
};

// chown, fchown, lchown, fchownat; setuid, setgid, setreuid, setregid, setgroups, setresuid, setresgid, setfsuid,
// setfsgid; capset; kexec_load, which nothing uses and so can show that the filter works.
const x86: Architecture = {
  audit: 0xc000_003e,
  faked: [92, 93, 94, 260, 105, 106, 113, 114, 116, 117, 119, 122, 123, 126, 246],
  mknod: [
    { call: 133, modeArgument: 1 },
    { call: 259, modeArgument: 2 },
  ],
};
const arm64: Architecture = {
  audit: 0xc000_00b7,
  faked: [55, 54, 146, 144, 145, 143, 159, 147, 149, 151, 152, 91, 104],
  mknod: [{ call: 33, modeArgument: 2 }],
};

// struct seccomp_data: the call's number, the architecture, the instruction pointer, six arguments of 64 bits.
const numberOffset = 0;
const architectureOffset = 4;
const argumentOffset = (index: number): number => 16 + 8 * index;

const load = 0x20; // BPF_LD | BPF_W | BPF_ABS
const and = 0x54; // BPF_ALU | BPF_AND | BPF_K
const jumpIfEqual = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const giveBack = 0x06; // BPF_RET | BPF_K
const allow = 0x7fff_0000; // SECCOMP_RET_ALLOW
const succeed = 0x0005_0000; // SECCOMP_RET_ERRNO with errno 0
const fileTypeMask = 0o170000;
const characterDevice = 0o020000;
const blockDevice = 0o060000;

function instruction(code: number, k: number, ifTrue = 0, ifFalse = 0): bigint {
  return BigInt(code) | (BigInt(ifTrue) << 16n) | (BigInt(ifFalse) << 24n) | (BigInt(k) << 32n);
}

/** The filter's instructions. */
export function fakeRootFilter(): readonly bigint[] {
  return [
    instruction(load, architectureOffset),
    ...[x86, arm64].flatMap((architecture) => {
      const block = [...callBlock(architecture)];
      return [instruction(jumpIfEqual, architecture.audit, 0, block.length), ...block];
    }),
    instruction(giveBack, allow),
  ];
}

/** For one architecture: ends in a return on every path. */
function callBlock({ faked, mknod }: Architecture): readonly bigint[] {
  const devices = mknod.flatMap(({ call, modeArgument }) => {
    const test = [
      instruction(load, argumentOffset(modeArgument)),
      instruction(and, fileTypeMask),
      instruction(jumpIfEqual, characterDevice, 2, 0),
      instruction(jumpIfEqual, blockDevice, 1, 0),
      instruction(giveBack, allow),
      instruction(giveBack, succeed),
    ];
    return [instruction(jumpIfEqual, call, 0, test.length), ...test];
  });
  const calls = faked.map((call, index) => instruction(jumpIfEqual, call, faked.length - index, 0));
  return [
    instruction(load, numberOffset),
    ...devices,
    ...calls,
    instruction(giveBack, allow),
    instruction(giveBack, succeed),
  ];
}
