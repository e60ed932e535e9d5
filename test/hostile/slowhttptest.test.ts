import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../kit/machine.ts";
import { aField, type Field } from "./test-gateway.ts";
import { askFaithfully, MODES, slowly, type Mode } from "./slowhttptest.ts";

/** The body has 15 s; what the tool still holds open after these is held against the gateway. */
const SECONDS = 22;
/**
 * A small answer that is not read lies in the kernel, and the connection is an idle one: those are kept, as OCS's
 * clients expect.
 */
const MAY_HOLD: Mode = "slow read";

describeWith(["slowhttptest"], "slowhttptest, and a client of good faith meanwhile", (program) => {
  let field: Field;
  beforeAll(async () => {
    field = await aField();
  });
  afterAll(() => field.close());

  it(
    "is closed by the gateway in each of its modes, and the other client gets every answer",
    { timeout: 90_000 },
    async () => {
      const faithful = askFaithfully([{ port: field.ports.plain }], 20);
      const modes = Object.keys(MODES) as Mode[];
      const ends = await Promise.all(
        modes.flatMap((mode) =>
          [{ port: field.ports.plain }, { port: field.ports.tls, ca: field.ca }].map(async (address) => {
            const ended = await slowly([program!], address, { mode, connections: 50, perSecond: 50, seconds: SECONDS });
            return `${mode}: ${ended}`;
          }),
        ),
      );
      const { wrong, latencies } = await faithful.stop();
      expect(ends.filter((end) => !end.startsWith(MAY_HOLD))).toEqual(
        modes
          .filter((mode) => mode !== MAY_HOLD)
          .flatMap((mode) => Array.from({ length: 2 }, () => `${mode}: No open connections left`)),
      );
      for (const end of ends) expect(end).toMatch(/: (?:No open connections left|Hit test time limit)$/);
      expect(wrong).toBe(0);
      expect(latencies.length).toBeGreaterThan(50);
    },
  );
});
