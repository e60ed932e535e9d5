/** Pages show the usual addresses; each page's run has addresses of its own, so that several may run at a time. */
import { createServer, type AddressInfo } from "node:net";
import type { Ready } from "../../../src/cli/sandbox/screen.ts";

const USUAL = [
  "8080",
  "8081",
  "8443",
  "8444",
  "8450",
  "9640",
  "9641",
  "9650",
  "18080",
  "18443",
  "18081",
  "18444",
  "18090",
  "7654",
];
const HOSTS = ["127.0.0.1", "127.0.0.2", "localhost", "0.0.0.0"];
const ADDRESS = /(?<![\d.])(?:127\.0\.0\.[12]|localhost|0\.0\.0\.0):\d{4,5}\b/g;

export type Addresses = {
  readonly inRun: (text: string) => string;
  readonly asUsual: (text: string) => string;
  /** A sandbox has chosen its ports. */
  readonly take: (ready: Ready) => void;
};

export const createAddresses = async (): Promise<Addresses> => {
  const free = await freePorts(USUAL.length);
  const map = new Map(USUAL.flatMap((usual, at) => HOSTS.map((host) => [`${host}:${usual}`, `${host}:${free[at]}`])));
  const usual = (): Map<string, string> => new Map([...map].map(([name, actual]) => [actual, name]));
  return {
    inRun: (text) => text.replaceAll(ADDRESS, (address) => map.get(address) ?? address),
    asUsual: (text) => {
      const back = usual();
      return text.replaceAll(ADDRESS, (address) => back.get(address) ?? address);
    },
    take: (ready) => {
      for (const [name, address] of chosenBy(ready)) if (address !== undefined) map.set(name, new URL(address).host);
    },
  };
};

const chosenBy = ({
  gateway,
  admin,
  callbacks,
  ocs,
  sandbox,
}: Ready): readonly (readonly [string, string | undefined])[] => [
  ["127.0.0.1:8080", gateway?.http],
  ["127.0.0.1:8443", gateway?.https],
  ["127.0.0.1:9640", admin?.url],
  ["127.0.0.1:8444", callbacks],
  ["127.0.0.1:18080", ocs.primary],
  ["127.0.0.1:18443", ocs.primary_https],
  ["127.0.0.2:18081", ocs.backup],
  ["127.0.0.2:18444", ocs.backup_https],
  ["127.0.0.1:18090", sandbox.url],
];

/** All are held until the last one is known, so that they differ. */
const freePorts = async (count: number): Promise<readonly number[]> => {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};
