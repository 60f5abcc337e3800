// SPDX-License-Identifier: Apache-2.0

/** Capabilities in the order of their numbers, capabilities(7) and linux/capability.h, without CAP_. */
const names = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const;

/** The number of a capability by its name, in any case, with or without CAP_; undefined where there is none. */
export function capabilityNumber(name: string): number | undefined {
  const plain = name.toLowerCase().replace(/^cap_/, '');
  const index = (names as readonly string[]).indexOf(plain);
  return index < 0 ? undefined : index;
}

/** `CAP_NET_RAW` of 13, as the runtime-spec writes it; undefined where there is none of this number. */
export function capabilityName(number: number): string | undefined {
  const name = names[number];
  return name === undefined ? undefined : `CAP_${name.toUpperCase()}`;
}
