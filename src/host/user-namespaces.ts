// SPDX-License-Identifier: Apache-2.0
// Whether an ordinary user may make user and mount namespaces (user_namespaces(7)): the one thing that Slipway can't do
// without. An attempt decides; the kernel's settings explain a refusal.
import type { Finding, Remedy } from './finding.ts';
import type { HostReader } from './reader.ts';

/** What user.max_user_namespaces holds in a namespace that sets no limit of its own. */
const unlimited = 2 ** 31 - 1;

export type UserNamespaceFacts = {
  /** user.max_user_namespaces. */
  readonly limit: number | undefined;
  /** kernel.unprivileged_userns_clone, of Debian's and some hardened kernels. */
  readonly cloneSetting: number | undefined;
  /** kernel.apparmor_restrict_unprivileged_userns, of Ubuntu since 23.10. */
  readonly apparmorSetting: number | undefined;
  /** Whether this process is confined by a seccomp filter, as inside most containers. */
  readonly hasSeccompFilter: boolean;
  /** `not-made` where the program that tries was not to be had. */
  readonly attempt: { readonly outcome: 'succeeded' | 'refused' | 'not-made'; readonly reason: string };
};

/**
 * @param attempt a program that makes user and mount namespaces and exits 0 when it could; `unshare` of util-linux
 *   when left out.
 */
export async function readUserNamespaces(
  reader: HostReader,
  attempt?: readonly [string, ...string[]],
): Promise<UserNamespaceFacts> {
  const number = async (path: string): Promise<number | undefined> => {
    const text = (await reader.readText(path))?.trim();
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const status = await reader.readText('/proc/self/status');
  const result = await reader.run(attempt ?? ['unshare', '--user', '--map-root-user', '--mount', 'true']);
  return {
    limit: await number('/proc/sys/user/max_user_namespaces'),
    cloneSetting: await number('/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorSetting: await number('/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    hasSeccompFilter: /^Seccomp:\s*2$/m.test(status ?? ''),
    attempt: {
      outcome: result.status === 0 ? 'succeeded' : result.status === 127 ? 'not-made' : 'refused',
      reason: result.output.trim(),
    },
  };
}

/** Id `user-namespaces`. */
export function judgeUserNamespaces(facts: UserNamespaceFacts): Finding {
  const id = 'user-namespaces';
  const what = 'user namespaces';
  const isClosed = facts.limit === 0 || facts.cloneSetting === 0 || facts.apparmorSetting === 1;
  const { outcome, reason } = facts.attempt;
  if (outcome === 'succeeded' && !isClosed) {
    const limit = facts.limit === undefined || facts.limit >= unlimited ? '' : `, at most ${facts.limit} a user`;
    return { id, state: 'ok', what, detail: `one was made just now${limit}` };
  }
  if (outcome === 'succeeded') {
    // Root is exempt from one of the settings, a program with a profile from another.
    const { detail, remedy } = explainRefusal(facts);
    return { id, state: 'warning', what, detail: `one was made just now, yet users may be refused: ${detail}`, remedy };
  }
  if (outcome === 'not-made' && !isClosed) {
    return {
      id,
      state: 'warning',
      what,
      detail: `could not be tried (${reason}); the kernel's settings allow them`,
      remedy: {
        user: 'Nothing need be done if slipway run works.',
        administrator: 'Install util-linux, whose program unshare makes the attempt.',
      },
    };
  }
  const { detail, remedy } = explainRefusal(facts);
  return { id, state: 'missing', what, detail, remedy };
}

function explainRefusal(facts: UserNamespaceFacts): { readonly detail: string; readonly remedy: Remedy } {
  const user = 'Ask an administrator to allow user namespaces; without them no image can be run.';
  if (facts.limit === 0) {
    return {
      detail: 'switched off: user.max_user_namespaces is 0',
      remedy: {
        user,
        administrator: 'Set user.max_user_namespaces (e.g. 15000) in /etc/sysctl.d and run sysctl --system.',
      },
    };
  }
  if (facts.cloneSetting === 0) {
    return {
      detail: 'closed to users: kernel.unprivileged_userns_clone is 0',
      remedy: {
        user,
        administrator: 'Set kernel.unprivileged_userns_clone=1 in /etc/sysctl.d and run sysctl --system.',
      },
    };
  }
  if (facts.apparmorSetting === 1) {
    return {
      detail: 'restricted by AppArmor: kernel.apparmor_restrict_unprivileged_userns is 1',
      remedy: {
        user,
        administrator:
          'Install an AppArmor profile with "userns," for the slipway program, or set kernel.apparmor_restrict_unprivileged_userns=0.',
      },
    };
  }
  const said = facts.attempt.reason === '' ? '' : ` (${facts.attempt.reason})`;
  if (facts.hasSeccompFilter) {
    return {
      detail: `refused${said}; this process is under a seccomp filter, as in a container`,
      remedy: {
        user: 'Run Slipway on the host itself, not inside another container.',
        administrator:
          'Allow unshare, mount and clone with namespace flags in the filter of what started this session.',
      },
    };
  }
  return {
    detail: `refused${said}, though the kernel's settings allow it`,
    remedy: {
      user,
      administrator: 'See whether a security module (SELinux, a hardened kernel) or a PAM limit forbids unshare(2).',
    },
  };
}
