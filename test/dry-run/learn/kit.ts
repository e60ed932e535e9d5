/** Traffic of observing tenants without sockets or disk: what the pipeline journals, at times that the test chooses. */
import { vi } from "vitest";
import { ulid } from "../../../src/common/ulid.ts";
import type { PipelineDeps } from "../../../src/gateway/pipeline.ts";
import type { Recorded } from "../../../src/journal/entry.ts";
import { ConfigEdit } from "../../../src/settings/edit/config-edit.ts";
import { partOf } from "../../../src/settings/files/config-text.ts";
import type { Settings } from "../../../src/settings/schema/schema.ts";
import { toTenants } from "../../../src/settings/to-tenants.ts";
import { learn, type Learned, type LearnOptions } from "../../../src/dry-run/learn/learn.ts";
import { aLine } from "../../kit/line.ts";
import { read } from "../../settings/kit.ts";

export const settingsOf = (text: string): Settings => {
  const loaded = read(text);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.settings;
};

/** `at`: milliseconds after the beginning. */
export type Sent = {
  readonly at: number;
  readonly as: string;
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  readonly tenant?: string;
};

/** Every tenant may use every record handle, because ownership is not part of the policy. */
export const ANY_OWNER: PipelineDeps["ownership"] = {
  requestLease: () => ({
    lease: {
      withdrawn: () => undefined,
      after: () => undefined,
      release: () => undefined,
      isOwned: () => false,
      reason: () => "unknown: no request is sent",
      record: undefined,
    },
  }),
  ownersAmong: (among) => among,
};

export const BEGIN = Date.UTC(2026, 10, 20);

/** The journal's entries of these requests, and what became of each: undefined if it passed, else the code. */
export const send = async (
  text: string,
  traffic: readonly Sent[],
): Promise<{ readonly journal: readonly Recorded[]; readonly codes: readonly (string | undefined)[] }> => {
  vi.useFakeTimers({ toFake: ["performance"] });
  try {
    const line = aLine({ ownership: ANY_OWNER, tenants: toTenants(settingsOf(text)) });
    const journal: Recorded[] = [];
    const codes: (string | undefined)[] = [];
    let now = 0;
    for (const { at, as, method, target, body = "", tenant } of traffic) {
      vi.advanceTimersByTime(at - now);
      now = at;
      line.journal.length = 0;
      const { headers } = await line.ask({
        method,
        target,
        body,
        as,
        ...(tenant !== undefined && { headers: [["Ocsgw-Tenant", tenant]] }),
      });
      codes.push(headers.find(([name]) => name === "Ocsgw-Code")?.[1]);
      const [id, time] = [ulid(BEGIN + at), `${new Date(BEGIN + at).toISOString().slice(0, -1)}000Z`];
      for (const entry of line.journal)
        journal.push({ ...entry, ...("id" in entry && { id }), index: journal.length, time } as Recorded);
    }
    return { journal, codes };
  } finally {
    vi.useRealTimers();
  }
};

export const entries = async function* (list: readonly Recorded[]): AsyncGenerator<Recorded> {
  yield* list;
  await Promise.resolve();
};

export const learnFrom = (
  text: string,
  journal: readonly Recorded[],
  options: Partial<Omit<LearnOptions, "unnamed">> & { readonly unnamed?: string } = {},
): Promise<Learned> => {
  const settings = settingsOf(text);
  const { unnamed, ...rest } = options;
  return learn(entries(journal), settings, {
    places: settings.tenants.flatMap(({ mode }, place) => (mode === "observe" ? [place] : [])),
    minRequests: 1,
    minForLimits: 1,
    acceptNames: false,
    addOnly: false,
    enforce: false,
    unnamed: () => unnamed,
    ...rest,
  });
};

/** The config's text after the proposed edits. */
export const edited = (text: string, { tenants }: Learned): string => {
  const edit = new ConfigEdit({ main: partOf("/etc/ocsgw/ocsgw.yaml", text), tenants: [] });
  for (const { path, ...change } of tenants.flatMap(({ edits }) => edits)) {
    if (change.value === undefined) edit.remove(path);
    else edit.set(path, change.value);
  }
  return edit.text().main.text;
};
