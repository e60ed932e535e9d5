import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { describeAllowed } from "../../kit/machine.ts";
import { hasPostgresServer } from "../../kit/postgres-server.ts";
import { run } from "./run.ts";

/** Each gateway has a file of its own as /etc/hosts. */
const canMount =
  process.platform === "linux" &&
  spawnSync("unshare", ["--mount", "mount", "--bind", "/etc/hostname", "/etc/hosts"]).status === 0;

describeAllowed(
  hasPostgresServer && canMount,
  "PostgreSQL's server, and root that may mount",
  "three gateways on one OCS and one database",
  () => {
    it("act as one, with records that OCS announces to any of them", { timeout: 180_000 }, async () => {
      const { violations, history } = await run({ requests: 150, seed: 1, think: 60, seats: 1, isCalm: true });
      expect(violations.slice(0, 10)).toEqual([]);
      const served = new Set(history.cases.flatMap(({ attempts }) => attempts.map(({ node }) => node)));
      expect([...served].toSorted()).toEqual(["gw-a", "gw-b", "gw-c"]);
      expect(history.records.all.filter(({ finalizedAt }) => finalizedAt !== undefined).length).toBeGreaterThan(20);
    });
  },
);
