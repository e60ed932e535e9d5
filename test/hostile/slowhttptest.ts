/** slowhttptest in its four modes, and a client of good faith beside it. */
import { basic } from "../kit/gateway.ts";
import { run } from "../kit/command.ts";
import { attack, type Address } from "./attack.ts";
import { latin1 } from "./payload.ts";

export const MODES = {
  "slow headers": ["-H", "-i", "1", "-x", "24"],
  "slow body": ["-B", "-i", "1", "-s", "8192", "-x", "10"],
  "slow read": ["-X", "-w", "1", "-y", "16", "-n", "5", "-z", "1", "-k", "3"],
  ranges: ["-R", "-a", "10", "-b", "3000"],
} as const;
export type Mode = keyof typeof MODES;

export type Slow = {
  readonly mode: Mode;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
};

/**
 * Why it ended, in its own words: "No open connections left" when every connection was closed, "Hit test time limit"
 * when some held out.
 */
export const slowly = async (
  [program, ...args]: readonly [string, ...string[]],
  address: Address,
  { mode, connections, perSecond, seconds }: Slow,
): Promise<string> => {
  const scheme = address.ca === undefined ? "http" : "https";
  const url = `${scheme}://127.0.0.1:${address.port}/phones/4155550100?req=DoNotCall`;
  const { stdout, stderr } = await run(program, [
    ...args,
    ...MODES[mode],
    "-c",
    String(connections),
    "-r",
    String(perSecond),
    "-l",
    String(seconds),
    "-p",
    "3",
    "-u",
    url,
  ]);
  // eslint-disable-next-line no-control-regex
  const said = (stdout + stderr).replaceAll(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  return /Exit status:\s*([^\n]*)/.exec(said)?.[1]?.trim() ?? said;
};

export type Faithful = { readonly latencies: readonly number[]; readonly wrong: number };

/**
 * Asks so many times a second, each time on a connection of its own, at each address in turn, until told to stop.
 */
export const askFaithfully = (
  addresses: readonly Address[],
  perSecond: number,
): { readonly stop: () => Promise<Faithful> } => {
  const request = latin1(
    `POST /phones/4155550123?req=DoNotCall HTTP/1.1\r\nHost: localhost\r\nAuthorization: ` +
      `${basic("beta")}\r\nContent-Length: 0\r\n\r\n`,
  );
  const [latencies, under] = [[] as number[], new Set<Promise<void>>()];
  let [asked, wrong] = [0, 0];
  const ask = async (): Promise<void> => {
    const began = performance.now();
    const outcome = await attack(addresses[asked++ % addresses.length]!, [request], 10_000).catch(() => undefined);
    latencies.push(performance.now() - began);
    if (outcome?.replies[0]?.origin !== "ocs") wrong++;
  };
  const timer = setInterval(() => {
    const asking = ask().finally(() => under.delete(asking));
    under.add(asking);
  }, 1000 / perSecond);
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(under);
      return { latencies, wrong };
    },
  };
};

export const quantile = (numbers: readonly number[], share: number): number => {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
};
