/** `ocsgw sandbox fault …` and `ocsgw sandbox switchover`: faults of a running sandbox. */
import { KIND_NAMES, kindOf } from "../../sandbox/faults/kinds.ts";
import { readFault, type FaultRequest } from "../../sandbox/faults/fault-request.ts";
import type { Fault } from "../../sandbox/faults/faults.ts";
import { DONE } from "../exit-codes.ts";
import { ask, command, type Host } from "./control-client.ts";

/** Options of the command line. */
export type AddOptions = {
  readonly url: string;
  readonly kind: string;
  readonly value?: string | undefined;
  readonly action?: string;
  readonly tenant?: string;
  readonly count?: string;
  readonly probability?: string;
  readonly seed?: string | number;
  readonly for?: string;
  readonly json?: boolean;
};

/** All resolve to the exit code: 0 done, 2 wrong usage, 5 no answer from a sandbox. */
export const faultAdd = ({ url, json = false, ...given }: AddOptions, host: Host = process): Promise<number> =>
  command(host, async () => {
    const request = requestOf(given);
    readFault(request);
    const fault = (await ask(url, "POST", "faults", request)) as Fault;
    host.stdout.write(json ? `${JSON.stringify(fault, undefined, 2)}\n` : `fault ${summaryOf(fault)}: ${fault.sees}\n`);
  });

export const faultList = (
  { url, json = false }: { readonly url: string; readonly json?: boolean },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const faults = (await ask(url, "GET", "faults")) as readonly Fault[];
    if (json) host.stdout.write(`${JSON.stringify(faults, undefined, 2)}\n`);
    else if (faults.length === 0) host.stderr.write("no faults\n");
    else host.stdout.write(table([["id", "kind", "where", "how often", "state", "fired", "last"], ...faults.map(row)]));
  });

export const faultClear = (
  { url, id }: { readonly url: string; readonly id?: string | undefined },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const { cleared } = (await ask(
      url,
      "DELETE",
      id === undefined ? "faults" : `faults/${encodeURIComponent(id)}`,
    )) as { cleared: number };
    host.stdout.write(`${cleared} ${cleared === 1 ? "fault" : "faults"} cleared\n`);
  });

export const faultKinds = async (host: Host = process): Promise<number> => {
  host.stdout.write(
    table(
      KIND_NAMES.map((name) => {
        const { value, sees } = kindOf(name);
        return [name, sees + (value ? ` (value${value.optional ? ", optional" : ""}: ${value.expected})` : "")];
      }),
    ),
  );
  return DONE;
};

export const switchover = (
  { url, gap }: { readonly url: string; readonly gap?: string },
  host: Host = process,
): Promise<number> =>
  command(host, async () => {
    const { active } = (await ask(url, "POST", "switchover", gap === undefined ? {} : { gap })) as { active: string };
    host.stdout.write(`${active} answers ${gap === undefined ? "now" : `in ${gap}`}\n`);
  });

/** Converts numbers; another text stays, so that the error message can show it. */
const requestOf = ({ count, probability, seed, ...rest }: Omit<AddOptions, "url" | "json">): FaultRequest => ({
  ...rest,
  ...Object.fromEntries(
    Object.entries({ count, probability, seed }).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, numeric(text)]],
    ),
  ),
});

const numeric = (text: string | number): number | string =>
  /^-?\d+(\.\d+)?$|^\.\d+$/.test(String(text)) ? Number(text) : text;

/** For example `f1  lost-reply  AddRecord  next 1 request`. */
const summaryOf = (fault: Fault): string =>
  [fault.id, named(fault), whereOf(fault), oftenOf(fault)].filter((part) => part !== "").join("  ");

const named = ({ kind, value }: Fault): string => (value === undefined ? kind : `${kind} ${value}`);
const whereOf = ({ action, tenant }: Fault): string =>
  [action, tenant].filter((part) => part !== undefined).join(" of ");

const oftenOf = ({ count, remaining = 0, probability, seed, for: time }: Fault): string =>
  [
    ...(count === undefined ? [] : [`next ${remaining} of ${count}`]),
    ...(probability === undefined ? [] : [`${probability * 100} % by seed ${seed}`]),
    ...(time === undefined ? [] : [`for ${time}`]),
  ].join(", ");

const row = (fault: Fault): string[] => [
  fault.id,
  named(fault),
  whereOf(fault) || "everywhere",
  oftenOf(fault) || "always",
  fault.state,
  String(fault.fired),
  fault.firings.at(-1)?.time ?? "-",
];

const table = (rows: readonly (readonly string[])[]): string => {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const padded = (cells: readonly string[]): readonly string[] =>
    cells.map((cell, column) => (column === cells.length - 1 ? cell : cell.padEnd(widths[column]!)));
  return rows.map((cells) => `${padded(cells).join("  ")}\n`).join("");
};
