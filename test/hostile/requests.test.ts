import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { describeIf } from "../kit/machine.ts";
import { corpus } from "../ocs/corpus.ts";
import { chunkFamilies } from "./chunks.ts";
import { crs, gunicorn, httpGarden, llhttp, paths } from "./corpora.ts";
import { aField, type Field } from "./test-gateway.ts";
import { gadgets } from "./gadgets.ts";
import type { Payload } from "./payload.ts";
import { besiege, somePlays } from "./play-payloads.ts";

// On a busy machine they take their time.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

/** What of a collection is played here; `npm run corpora` plays all of it. */
type Row = readonly [
  name: string,
  load: () => readonly Payload[],
  payloads: number,
  take: (payloads: readonly Payload[]) => readonly Payload[],
  plays: number,
];

const all = (payloads: readonly Payload[]): readonly Payload[] => payloads;
/** A step that is no divisor of the number of shapes or resources: each of them has its turn. */
const everyNth =
  (step: number) =>
  (payloads: readonly Payload[]): readonly Payload[] =>
    payloads.filter((_, at) => at % step === 0);

const rows: readonly Row[] = [
  ["http-garden", httpGarden, 76, all, 6],
  ["llhttp", llhttp, 166, all, 3],
  ["gunicorn", gunicorn, 137, (payloads) => payloads.filter(({ pieces }) => pieces(0)[0]!.length < 8192), 3],
  ["chunk families", chunkFamilies, 26, all, 6],
  ["smuggling gadgets", gadgets, 9030, everyNth(16), 1],
  ["OWASP CRS", crs, 1039, everyNth(7), 1],
  ["paths", paths, 9655, everyNth(32), 1],
];

let field: Field;

describeIf(
  !corpus("baselines").absent,
  "../shared/corpora",
  "requests that others collected, each followed by a client of another tenant",
  () => {
    beforeAll(async () => {
      field = await aField();
    });
    afterAll(() => field.close());

    it.each(rows)(
      "%s: no byte of them reaches OCS but as one good request of our own writing; the others get their own answers",
      async (_name, load, count, take, each) => {
        const payloads = load();
        expect(payloads).toHaveLength(count);
        const plays = somePlays(take(payloads), each);
        const tally = await besiege(field, plays);
        expect(tally.faults).toEqual([]);
        expect(tally.connections).toBe(plays.length);
      },
    );

    it("a mere spelling of one good request is served as that request", async () => {
      const spelled = gadgets().filter(({ id }) =>
        /^(?:Transfer-Encoding|Content-Length) one (?:nospace1|tabprefix1|valueprefix1)$/.test(id),
      );
      const tally = await besiege(field, somePlays(spelled, 24));
      expect(tally.faults).toEqual([]);
      expect(tally.reached.size).toBeGreaterThan(0);
    });
  },
);
