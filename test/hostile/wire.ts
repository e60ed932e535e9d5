/**
 * What reached OCS, read as strictly as can be: every byte must belong to a request in the one form that the gateway
 * writes.
 */

import { patternOf } from "../kit/pattern.ts";

/** POST or GET, the four headers that OCS reads or two of them, a body of exactly the announced length. */
const REQUEST = patternOf(
  /^(POST|GET) (\/[a-z_]+(?:\/[A-Za-z0-9%.+:@~!'()*-]+)?(?:\?req=[A-Za-z]+)?)/,
  / HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n(?:Connection: keep-alive\r\n)?/,
  /User-Agent: ocs-gateway\/[0-9.]+\r\n(?:Content-type: application\/json\r\n)?/,
  /(?:Content-length: (\d+)\r\n)?\r\n/i,
);

export type Reached = { readonly target: string; readonly body: string };

export class Wire {
  readonly requests: Reached[] = [];
  readonly #pending = new Map<number, string>();

  readonly tap = (connection: number, text: string): void => {
    let rest = (this.#pending.get(connection) ?? "") + text;
    for (let found = REQUEST.exec(rest); found; found = REQUEST.exec(rest)) {
      const end = found[0].length + Number(found[3] ?? 0);
      if (rest.length < end) break;
      this.requests.push({ target: found[2]!, body: rest.slice(found[0].length, end) });
      rest = rest.slice(end);
    }
    this.#pending.set(connection, rest);
  };

  /** Bytes that are no such request. */
  get strange(): readonly string[] {
    return [...this.#pending.values()].filter((rest) => rest !== "");
  }
}
