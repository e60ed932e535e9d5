/** `ocsgw sandbox dial`: a running sandbox's OCS dials now, once or at a rate, and what a client would get is printed. */
import { setTimeout as after } from "node:timers/promises";
import { ControlError } from "../sandbox/control-error.ts";
import { ask, command, EXIT, type Host } from "./sandbox-control.ts";
import { eventLine, type ToldEvent } from "./sandbox-event-line.ts";

/** As the command line gives them. */
export type DialOptions = {
  readonly url: string;
  readonly list?: string;
  readonly count?: number;
  readonly rate?: string;
  readonly to?: string;
  readonly json?: boolean;
};

type Dialed = { readonly dialed: number; readonly events: readonly ToldEvent[]; readonly short?: string };

/** Resolves to the exit code: 0 when all that was wanted was dialed, 1 when not, 2 wrong usage, 5 when no sandbox answers there. */
export const dial = (
  { url, list, count, rate, to, json = false }: DialOptions,
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const pause = rate === undefined ? undefined : pauseOf(rate);
    const wish = { ...(list !== undefined && { list }), ...(to !== undefined && { to }) };
    const once = async (wanted: number): Promise<boolean> => {
      const { events, short } = (await ask(url, "POST", "dial", { ...wish, count: wanted })) as Dialed;
      for (const event of events) host.stdout.write(json ? `${JSON.stringify(event)}\n` : eventLine(event));
      if (short !== undefined) host.stderr.write(`${short}\n`);
      return short === undefined;
    };
    if (pause === undefined) return (await once(count ?? 1)) ? EXIT.done : EXIT.failed;
    for (let left = count ?? Number.POSITIVE_INFINITY; left > 0; left--) {
      if (!(await once(1))) return EXIT.failed;
      if (left > 1) await after(pause);
    }
    return EXIT.done;
  });

/** Milliseconds between two of "2/s" or "0.5/s". */
const pauseOf = (rate: string): number => {
  const [, number = ""] = /^(\d{1,4}(?:\.\d{1,4})?)\/s$/.exec(rate) ?? [];
  if (Number(number) > 0) return 1000 / Number(number);
  throw new ControlError(400, `--rate: expected records per second, such as 2/s or 0.5/s; found ${rate}`);
};
