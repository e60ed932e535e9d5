/**
 * `ocsgw sandbox events`: follows the events of a running sandbox; after a lost connection it continues where it was.
 */
import { setTimeout as after } from "node:timers/promises";
import { asked, command, Unreachable, valueOf, type Host } from "./control-client.ts";
import { eventLine, type ControlEvent } from "./event-line.ts";

export type EventsOptions = {
  readonly url: string;
  readonly tenant?: string;
  readonly since?: string;
  readonly json?: boolean;
};

const RETRY_MS = 1000;

/** Resolves only if the first connection fails: 2 wrong usage, 5 no answer from a sandbox. */
export const followEvents = (
  { url, tenant, since, json = false }: EventsOptions,
  host: Host = process,
  until?: AbortSignal,
): Promise<number> =>
  command(host, async () => {
    let last = since;
    let followed = false;
    while (until?.aborted !== true) {
      const headers: Record<string, string> = last === undefined ? {} : { "last-event-id": last };
      const path = tenant === undefined ? "events" : `events?tenant=${encodeURIComponent(tenant)}`;
      const answer = await asked(url, path, { headers, signal: until ?? null }).catch(async (error: unknown) => {
        if (!followed || !(error instanceof Unreachable)) throw error;
        await after(RETRY_MS, undefined, { signal: until }).catch(() => undefined);
      });
      if (!answer) continue;
      if (!answer.ok) await valueOf(url, answer);
      followed = true;
      for await (const { id, type, data } of eventsIn(answer)) {
        last = id;
        const event = { id: Number(id), type, ...(JSON.parse(data) as object) } as ControlEvent;
        host.stdout.write(json ? `${JSON.stringify(event)}\n` : eventLine(event));
      }
    }
  });

type Framed = { readonly id: string; readonly type: string; readonly data: string };

/** The events of a stream, without comments. A broken connection ends it. */
const eventsIn = async function* ({ body }: Response): AsyncGenerator<Framed> {
  let text = "";
  try {
    for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
      const frames = (text += chunk).split("\n\n");
      text = frames.pop()!;
      for (const frame of frames) {
        const fields = Object.fromEntries(
          frame.split("\n").map((line) => [line.slice(0, line.indexOf(": ")), line.slice(line.indexOf(": ") + 2)]),
        );
        if (fields["id"] !== undefined) yield { id: fields["id"], type: fields["event"]!, data: fields["data"]! };
      }
    }
  } catch {
    // The caller continues after the last event.
  }
};
