/**
 * The address that OCS gives to strategies (GSW_RECORD_URI): do they come to the gateway with it, or go around it? Strategies take scheme, host
 * and port from it as they stand.
 */
import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { Settings } from "../../settings/schema.ts";
import type { Row } from "./row.ts";

type Place = { readonly host: string; readonly port: number; readonly addresses: readonly string[] };

const WAYS_OUT = [
  "Strategies that take the address from GSW_RECORD_URI will go around the gateway, unseen. Ways to mend it, most robust first:",
  "  1. let the gateway have the address that OCS gives out: move OCS's HTTP port, keep name and port here",
  "  2. give OCS's host object a name or address that leads to the gateway",
  "  3. set the base address in each strategy",
  "and close the direct way in the firewall",
];

export const bypassRow = async (recordUri: string, { listeners, upstreams }: Settings): Promise<Row> => {
  if (!URL.canParse(recordUri))
    return {
      name: "bypass",
      state: "fail",
      says: [
        `--record-uri: expected an address, as in http://10.20.0.11:8080/records/15, found ${JSON.stringify(recordUri)}`,
      ],
    };
  const said = await placeOf(recordUri);
  const ocs = await Promise.all(
    Object.values(upstreams)
      .flatMap(({ primary, backup }) => [primary, ...(backup === null ? [] : [backup])])
      .map(placeOf),
  );
  const at = `${said.host}:${said.port}`;
  const own = listeners.some(
    ({ bind, names }) =>
      names.includes(`${said.host}:*`) ||
      (bind.port === said.port && (isOurs(said, bind.host) || names.some((name) => name.split(":")[0] === said.host))),
  );
  const theirs = ocs.find((place) => sharesAddress(place, said));
  // On one machine both may be: the port decides.
  if (theirs && (theirs.port === said.port || !own))
    return { name: "bypass", state: "warn", says: [`${at} is OCS itself, not this gateway.`, ...WAYS_OUT] };
  if (own) return { name: "bypass", state: "ok", says: [`${at} leads to this gateway`] };
  if (said.addresses.length === 0)
    return { name: "bypass", state: "warn", says: [`${said.host} cannot be resolved here`] };
  return {
    name: "bypass",
    state: "note",
    says: [`${at} is neither an OCS of this config nor a listener of this gateway: does something there lead to it?`],
  };
};

const placeOf = async (address: string): Promise<Place> => {
  const { hostname, port, protocol } = new URL(address);
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  const addresses = await lookup(host, { all: true }).then(
    (found) => found.map((each) => each.address),
    () => [],
  );
  return { host, port: Number(port || (protocol === "https:" ? 443 : 80)), addresses };
};

const sharesAddress = (one: Place, other: Place): boolean =>
  one.host === other.host || one.addresses.some((address) => other.addresses.includes(address));

const isOurs = ({ addresses }: Place, bound: string): boolean => {
  const machine = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .map(({ address }) => address);
  const any = bound === "0.0.0.0" || bound === "::";
  return addresses.some((address) => address === bound || (any && machine.includes(address)));
};
