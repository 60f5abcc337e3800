// SPDX-License-Identifier: Apache-2.0
// From a request to a plan that can be kept: reads image, machine and site through Inputs, plans, and sees to it that
// the trace can be trusted.
import { storesToSearch, storeVariables } from '../image/index.ts';
import type { Plan, RunRequest, TraceEntry } from '../model/index.ts';
import { type GeneratedFile, mountTargets, plan, type SiteFacts, type Skeleton } from '../plan/index.ts';
import { createInputs, type Inputs } from '../sys/inputs.ts';
import { type Person, readHostFacts, readPerson } from './host-facts.ts';
import { type LocatedImage, type OpenedImage, withImage } from './image-facts.ts';

/** Depends on what is in the image, or on who runs it. */
export type RequestMaker = (image: OpenedImage, person: Person) => RunRequest;

/** What a face makes of a command line. */
export type AskedRun<Request extends RunRequest | RequestMaker = RunRequest | RequestMaker> = {
  /** A word as for `slipway run`, or an image that the face has found itself. */
  readonly image: string | LocatedImage;
  readonly request: Request;
  readonly covers: Plan['covers'];
  /** The face says something while it plans, which must be said each time: the plan is not kept. */
  readonly isForOnce?: boolean;
  /** Where the face asked what leaves no trace (the name service), for how long the answer is believed. */
  readonly maxAgeMs?: number;
};

export type ReadyPlan = {
  readonly plan: Plan;
  readonly generated: readonly GeneratedFile[];
  readonly skeletons: readonly Skeleton[];
  /** Whether the plan may be used again: its trace shows every change. */
  readonly isLasting: boolean;
};

const defaultLingerMs = 5_000;
/** How often files that change while they are read are read again. */
const maxAttempts = 5;

/**
 * Plans what `ask` makes of the command line. `ask` reads whatever it needs (files of variables, the working
 * directory) through the Inputs that it is given, and may be called more than once.
 * @throws SlipwayError for everything that a person or machine can get wrong.
 */
export async function planRun(
  ask: (inputs: Inputs) => AskedRun | Promise<AskedRun>,
  given: {
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly cwd: string;
    readonly runDirectory: string;
    readonly nowNs: () => bigint;
    readonly signal: AbortSignal;
  },
): Promise<ReadyPlan> {
  for (let attempt = 1; ; attempt += 1) {
    const inputs = createInputs(given);
    const asked = await ask(inputs);
    const ready = await planOnce(asked, inputs, given.runDirectory);
    const youngest = inputs.youngestStamp();
    if (asked.isForOnce === true) return { ...ready, isLasting: false };
    if (youngest === undefined) return { ...ready, isLasting: true };
    const ageNs = given.nowNs() - youngest.changedNs;
    if (ageNs > youngest.granularityNs) return { ...ready, isLasting: true };
    // A stamp from the future, by a clock set back or another machine's, proves nothing for an unknown time.
    if (ageNs < 0n || attempt === maxAttempts) return { ...ready, isLasting: false };
    const { systemClock } = await import('../sys/clock.ts');
    await systemClock.sleep(Number((youngest.granularityNs - ageNs) / 1_000_000n) + 1, given.signal);
  }
}

async function planOnce(asked: AskedRun, inputs: Inputs, runDirectory: string): Promise<Omit<ReadyPlan, 'isLasting'>> {
  const { person, maxAgeMs } = readPerson(inputs);
  const variables = Object.fromEntries(storeVariables.map((name) => [name, inputs.environment(name)]));
  const stores = storesToSearch(variables, person.home, inputs.readText);
  const planned = await withImage(asked.image, { inputs, stores }, (opened, factsOf) => {
    const request = typeof asked.request === 'function' ? asked.request(opened, person) : asked.request;
    const host = readHostFacts(inputs, { request, person, runDirectory });
    const image = factsOf(mountTargets(request, host));
    return plan(request, { image, host, site: readSite(inputs) });
  });
  return {
    plan: {
      ...planned.plan,
      covers: asked.covers,
      trace: [
        ...inputs.trace(),
        ...planned.generated.map(({ path }) => isThere(path, regularFile)),
        ...planned.skeletons.map(({ path }) => isThere(path, directory)),
      ],
      ...shortest(maxAgeMs, asked.maxAgeMs),
    },
    generated: planned.generated,
    skeletons: planned.skeletons,
  };
}

function shortest(...ages: readonly (number | undefined)[]): Pick<Plan, 'maxAgeMs'> {
  const known = ages.filter((age) => age !== undefined);
  return known.length === 0 ? {} : { maxAgeMs: Math.min(...known) };
}

const regularFile = 0o100000;
const directory = 0o040000;

/** What was made for a plan may be swept away before the plan is. */
function isThere(path: string, format: number): TraceEntry {
  return { read: 'kind', path, format, follows: false };
}

function readSite(inputs: Inputs): SiteFacts {
  const text = inputs.environment('SLIPWAY_LINGER');
  if (text === 'never') return { lingerMs: 'for-ever' };
  const seconds = Number(text ?? '');
  return { lingerMs: text === undefined || text === '' || !(seconds >= 0) ? defaultLingerMs : seconds * 1000 };
}
