/** The advice of `explain` for each refusal; where rows share a code, the entry tells them apart. */
import { describe, expect, it } from "vitest";
import { whatToDo } from "../../src/explain/advice.ts";
import { REFUSALS } from "../../src/gateway/refusals.ts";

const fields = { at: 0, time: 0, kinds: ["refusal"], state: "refused", client: "alpha-ors" } as const;
const rows = Object.entries(REFUSALS);
/** The first row with this code and status. */
const first = ({ code, status }: { readonly code: string; readonly status: number }) =>
  rows.find(([, row]) => row.code === code && row.status === status)!;

describe("the advice for a refusal", () => {
  it.each(
    rows
      .filter(([name, row]) => first(row)[0] === name)
      .map(([name, { code, status, advice }]) => ({ name, code, status, advice })),
  )("is one sentence, with a note if the request may be repeated: $code $status", ({ code, status, advice }) => {
    expect(advice).toMatch(/^(?:[A-Z]|ocsgw ).{10,}\.$/);
    const again =
      status === 429 || status >= 500 || code === REFUSALS["key-running"].code
        ? " The same request may be sent again: nothing was sent to OCS."
        : "";
    expect(whatToDo({ ...fields, code, status })).toBe(`${advice}${again}`);
  });

  it.each(rows)("says who does what, and names the config in each command: %s", (_name, { advice }) => {
    expect(advice).toMatch(/^(?:Client|Registrar|Operator): /);
    for (const [command] of advice.matchAll(/ocsgw [a-z][^.;:]*/g)) expect(command).toContain(" -c FILE");
  });

  /** The part for clients and registrars, who see neither config nor log, and cannot run commands. */
  const clientsPart = (advice: string): string => advice.replace(/ ?Operator: .*$/, "");

  it.each(rows)("asks of a client only what it can see and do: %s", (_name, { advice }) => {
    expect(clientsPart(advice)).not.toMatch(/ocsgw [a-z]|-c FILE|\w\[\]|<name>|journal|alarm/);
    expect(clientsPart(advice)).not.toMatch(/(?:queue|timeouts|audit|identity|callbacks|listeners|upstreams)\./);
  });

  it.each(rows)("says about repeating what the delivery allows: %s", (name, { advice, delivery, status }) => {
    const part = clientsPart(advice);
    if (delivery !== "not-sent") expect(part).toContain("follow Ocsgw-Repeat");
    else if (status === 429 || status >= 500 || name === "key-running")
      expect(part).toMatch(/Retry-After|wait longer for the reply|own calls/);
    else expect(part).not.toMatch(/Ocsgw-Repeat|again/);
  });

  it.each([
    ["no-answer", "OCSGW-4101", 504, /timeouts\.answer of the upstream is the limit\.$/],
    ["connection-lost", "OCSGW-4102", 502, /OCS was stopped or switched over/],
    ["malformed-response", "OCSGW-4103", 502, /what answers there is not OCS/],
    ["internal-error", "OCSGW-5900", 500, /report it with the log line that has this request id\.$/],
  ] as const)("for a request that was sent has the operator's part too: %s", (_name, code, status, text) => {
    const advice = whatToDo({ ...fields, state: "no-answer", code, status, resource: "phones", action: "DoNotCall" });
    expect(advice).toMatch(/^The same request may be sent again \(Ocsgw-Repeat: safe\).* Operator: /);
    expect(advice).toMatch(text);
  });

  it.each(["OCSGW-2001", "OCSGW-2002", "OCSGW-2106", "OCSGW-2108", "OCSGW-3001"])("has its own text for %s", (code) => {
    const of = (wanted: string): ReadonlySet<string> =>
      new Set(rows.flatMap(([, row]) => (row.code === wanted ? [row.advice] : [])));
    const others = new Set(rows.filter(([, row]) => row.code !== code).map(([, { advice }]) => advice));
    expect([...of(code)].filter((advice) => others.has(advice))).toEqual([]);
  });

  it.each([
    ["a rate limit", { stage: "policy", setting: "tenants[0].limits.requests" }, REFUSALS["over-limit"]],
    ["failed credentials", { stage: "identity", client: undefined }, REFUSALS.throttled],
    ["probing of record handles", { stage: "scope", reason: "other: a word that has no advice" }, REFUSALS.probing],
  ] as const)("for an earlier version's OCSGW-3001 about %s is the text of that refusal", (_what, over, { advice }) => {
    expect(whatToDo({ ...fields, code: "OCSGW-3001", status: 429, ...over })).toContain(advice);
  });
});
