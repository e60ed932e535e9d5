import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASELINE, drip, END, readAnswer, SECOND, textOf, type Outcome, type Step } from "./contract.ts";
import { play } from "./contract-play.ts";
import { CORPORA } from "../../kit/corpora.ts";

const present = existsSync(CORPORA);
type Case = { readonly id: string; readonly steps: readonly Step[] };
const cases: readonly Case[] = present ? readCases() : [];

function readCases(): Case[] {
  const lines = readFileSync(new URL("llhttp/responses.jsonl", CORPORA), "utf8").trim().split("\n");
  const llhttp = lines
    .map((line) => JSON.parse(line) as { id: string; raw_b64: string })
    .map(({ id, raw_b64 }) => ({ id, steps: [Buffer.from(raw_b64, "base64").toString("latin1")] }));
  return [...llhttp, ...BASELINE];
}

type Cut = { readonly text: string; readonly method: "GET" | "POST" };

/**
 * With the last part late: behind the announced length where there is more, else the last third. Behind a flawless
 * positive answer it comes after the second.
 */
const late = ({ text, method }: Cut, ms: number): Step[] => {
  const { surplus } = readAnswer(text, method);
  const at = surplus !== undefined && surplus < text.length ? surplus : Math.ceil((text.length * 2) / 3);
  const early = readAnswer(text.slice(0, at), method);
  return [text.slice(0, at), ms, ...(early.flawless && early.status === 200 ? [SECOND] : []), text.slice(at)];
};

const DELIVERIES = {
  "in one write": ({ text }) => [text],
  "byte by byte": ({ text }) => drip(text.slice(0, 20_000), 0),
  "the last part 10 ms late": (each) => late(each, 10),
  "the last part 60 ms late": (each) => late(each, 60),
} satisfies Record<string, (each: Cut) => Step[]>;

describe.skipIf(!present && process.env.CI !== "true")(
  "105 broken answers, each delivered in four ways to a POST and to a GET",
  () => {
    it("are all there, the baselines' own twenty by their names", () => {
      const measured = JSON.parse(
        readFileSync(new URL("baselines/node24-stock-upstream-clients.json", CORPORA), "utf8"),
      ) as { clients: { undici: { id: string }[] } };
      expect(cases.map(({ id }) => id)).toEqual(measured.clients.undici.map(({ id }) => id));
      expect(cases).toHaveLength(105);
      expect(cases.filter(({ steps }) => readAnswer(textOf(steps), "GET").flawless).length).toBeGreaterThan(5);
    });

    const ways = (Object.keys(DELIVERIES) as (keyof typeof DELIVERIES)[]).flatMap((delivery) =>
      (["POST", "GET"] as const).map((method) => ({ delivery, method })),
    );

    const judge = async ({ steps }: Case, { delivery, method }: (typeof ways)[number]): Promise<string[]> => {
      const text = textOf(steps);
      const { status, flawless } = readAnswer(text, method);
      const all = [...DELIVERIES[delivery]({ text, method }), ...(steps.includes(END) ? [END] : [])];
      const { outcome, sent, marks, on } = await play({
        steps: all,
        method,
        inOrder: delivery === "byte by byte",
        deadline: flawless ? 10_000 : 150,
      });
      const allowed: readonly (Outcome | undefined)[] = flawless
        ? [status]
        : [status, "malformed-response", "connection-lost", "no-answer"];
      const afterSecond = all.includes(SECOND);
      return [
        ...(allowed.includes(outcome) ? [] : [`the first ends in ${outcome}`]),
        ...(sent ? [] : ["the first is said not to have been sent"]),
        ...(marks.join() === "2,3" ? [] : [`the next two get the answers ${marks.join()}`]),
        ...(flawless || afterSecond || on.get(2) !== on.get(1) ? [] : ["the connection is used again at once"]),
        ...(flawless || on.get(3) !== on.get(1) ? [] : ["the connection is used again"]),
      ].map((wrong) => `${delivery} to a ${method}: ${wrong}`);
    };

    it.concurrent.each(cases)("$id", async (each) => {
      expect((await Promise.all(ways.map((way) => judge(each, way)))).flat()).toEqual([]);
    });
  },
);
