/** The composition root: settings → parts → listening. Stops them in reverse. Every part is made in this file and in the folder beside it. */
import { startAdmin } from "./assemble/admin.ts";
import { createGeneration, type Generation, type House } from "./assemble/generation.ts";
import { watchHandles } from "./assemble/handles.ts";
import { startJournal } from "./assemble/journal.ts";
import { startListeners } from "./assemble/listeners.ts";
import { createOversight } from "./assemble/oversight.ts";
import { undo, type Stops } from "./assemble/stops.ts";
import { startUpstreams, tellOf } from "./assemble/upstreams.ts";
import { VERSION } from "./assemble/version.ts";
import { Counts } from "./console/counts.ts";
import { newToken } from "./console/token.ts";
import { events } from "./events.ts";
import type { Settings } from "./settings/schema.ts";

export type Gateway = {
  readonly listeners: readonly { readonly name: string; readonly url: string }[];
  readonly admin: string | undefined;
  /** The checkpoints' verifier key (C2SP vkey). */
  readonly verifierKey: string;
  /** Lets what is under way end, then stops everything. */
  readonly stop: (reason: string) => Promise<void>;
};

export type AssembleOptions = {
  readonly settings: Settings;
  /** SHA-256 of the config file, hexadecimal. */
  readonly configHash: string;
  /** For the admin API; a new one when left out. Where there is an admin listener it is left in the journal's directory. */
  readonly adminToken?: string;
};

export const assemble = async (options: AssembleOptions): Promise<Gateway> => {
  const stops: Stops = [];
  try {
    return await start(options, stops);
  } catch (error) {
    await undo(stops);
    throw error;
  }
};

const start = async ({ settings, configHash, adminToken }: AssembleOptions, stops: Stops): Promise<Gateway> => {
  const { journal, checkpoints } = await startJournal(settings, configHash, stops);
  const counts = new Counts();
  const boards = await startUpstreams(settings, tellOf(journal, counts));
  stops.push(async () => void (await Promise.all([...boards.values()].map((board) => board.close()))));
  const house: House = { journal, counts, boards, watch: watchHandles(journal, counts) };
  const current: { generation: Generation } = { generation: await createGeneration(house, settings, configHash) };
  stops.push(() => current.generation.close());
  const token = adminToken ?? newToken();
  const oversight = await createOversight({
    settings, configHash, version: VERSION, token, journal, checkpoints, counts, upstreams: () => [...boards.values()].map((board) => board.status()),
  });
  // Before the listeners, so that in the reverse order of the stops it outlives them: while requests end, probes hear why it is not ready.
  const admin = await startAdmin(settings, { handler: oversight.handler, token }, stops);
  const listeners = await startListeners(settings, (arrival) => current.generation.handler(arrival), stops);
  await Promise.all([...boards.values()].map((board) => board.begin()));
  oversight.stage = "serving";
  return {
    listeners: listeners.map(({ name, url }) => ({ name, url })),
    admin: admin?.url,
    verifierKey: checkpoints.verifierKey,
    stop: async (reason) => {
      oversight.stage = "draining";
      events.stopping(reason);
      await undo(stops);
      events.stopped();
    },
  };
};
