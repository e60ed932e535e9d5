/** The addresses that `--ocs` and a config name: of OCS, and of the gateway. */
import type { Addresses } from "../../lint/options.ts";
import { withPort } from "../../lint/url.ts";
import type { Settings } from "../../settings/schema/schema.ts";

/** Undefined: the text is no host, and no host with a port. */
export const addressIn = (given: string): string | undefined => {
  const [, host, port] = /^(?:https?:\/\/)?(\[[0-9a-f:.]+\]|[\w.-]+)(?::(\d{1,5}))?\/?$/i.exec(given.trim()) ?? [];
  if (host === undefined || Number(port ?? 0) > 65_535) return undefined;
  const scheme = /^https?(?=:\/\/)/i.exec(given.trim())?.[0].toLowerCase() as "http" | "https" | undefined;
  const authority = (port === undefined ? host : `${host}:${port}`).toLowerCase();
  return scheme === undefined ? authority : withPort(authority, scheme);
};

/**
 * `ocs` and `own` (of the gateway): from the command line. Of the config: the upstreams with their aliases, less what
 * the gateway itself listens on, because a gateway may have taken over OCS's old address.
 */
export const addressesOf = (
  ocs: readonly string[],
  own: readonly string[],
  settings: Settings | undefined,
): Addresses => {
  const gateway = [...own, ...(settings ? gatewayAddresses(settings) : [])];
  const upstreams = settings ? ocsAddresses(settings).filter((address) => !gateway.includes(address)) : [];
  return { ocs: new Set([...ocs, ...upstreams]), gateway: new Set(gateway) };
};

const gatewayAddresses = ({ listeners }: Settings): readonly string[] =>
  listeners.flatMap(({ bind, names }) => [
    `${bind.host}:${bind.port}`.toLowerCase(),
    ...names.map((name) => (/:\d+$/.test(name) ? name : `${name}:${bind.port}`).toLowerCase()),
  ]);

const ocsAddresses = ({ upstreams }: Settings): readonly string[] =>
  Object.values(upstreams).flatMap(({ primary, backup, aliases }) => [
    ...[primary, backup].filter((url) => url !== null && url !== undefined).map((url) => addressIn(String(url))!),
    ...aliases.map((alias) => alias.toLowerCase()),
  ]);
