/** A container runs the health check every few seconds, so it may use three times the CPU of an empty Node. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root, run } from "../../kit/command.ts";
import { describeIf } from "../../kit/machine.ts";
import { SAMPLE } from "../../settings/kit.ts";

const STAT = "/proc/self/stat";
const RUNS = 12;

/** CPU ticks of this process's ended children. */
const ofChildren = (): number => {
  const fields = readFileSync(STAT, "utf8").split(") ").at(-1)!.split(" ");
  return Number(fields[13]) + Number(fields[14]);
};

describeIf(existsSync(STAT), STAT, "ocsgw healthcheck --live", () => {
  it.each([
    ["the sample", SAMPLE],
    ["probes as an address", "admin:\n  bind: 127.0.0.1:1\n  probes: 127.0.0.1:9640\n"],
  ])(
    "the health check takes at most three times the CPU of node -e 0, with the config: %s",
    { timeout: 120_000 },
    async (_what, text) => {
      const dir = await mkdtemp(join(tmpdir(), "ocsgw-cost-"));
      const server = createServer((_request, response) => void response.end('{"status":"ok"}'));
      try {
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
        const config = join(dir, "ocsgw.yaml");
        await writeFile(
          config,
          text.replaceAll("127.0.0.1:9640", `127.0.0.1:${(server.address() as AddressInfo).port}`),
        );
        // As in the image, which has a compile cache.
        const env = { NODE_COMPILE_CACHE: join(dir, "compiled"), NODE_OPTIONS: "" };
        const words = [join(root, "src/cli/main.ts"), "healthcheck", "--live", "-c", config];
        const costs = { nothing: 0, probe: 0 };
        const once = async (what: keyof typeof costs, args: readonly string[]): Promise<void> => {
          const before = ofChildren();
          const { code, stderr } = await run(process.execPath, args, { env });
          expect([code, stderr]).toEqual([0, ""]);
          costs[what] += ofChildren() - before;
        };
        for (let warm = 0; warm < 2; warm++) await once("probe", words);
        costs.probe = 0;
        for (let count = 0; count < RUNS; count++) {
          await once("nothing", ["-e", "0"]);
          await once("probe", words);
        }
        expect(costs.probe / costs.nothing).toBeLessThan(3);
      } finally {
        server.close();
        await rm(dir, { recursive: true, force: true });
      }
    },
  );
});
