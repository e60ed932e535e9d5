/** What the linter knows besides the files. */
import { withPort, type Url } from "./url.ts";

export type Addresses = {
  /** host:port of OCS itself, or a host with any port, in lower case: calls to them go around the gateway. */
  readonly ocs: ReadonlySet<string>;
  /** host:port of the gateway. */
  readonly gateway?: ReadonlySet<string>;
};

/** True if the URL names the gateway. */
export const isGatewayAddress = ({ gateway }: Addresses, { authority, scheme }: Url): boolean => {
  if (gateway === undefined || authority === undefined || authority === "") return false;
  return gateway.has(withPort(authority, scheme)) || gateway.has(authority.replace(/:\d{1,5}$/, ""));
};

/** True if the URL names OCS or the gateway, so that every call to it is one to OCS. */
export const isKnownAddress = (addresses: Addresses, url: Url): boolean =>
  isOcsAddress(addresses, url) || isGatewayAddress(addresses, url);

/** True if the URL names one of OCS's own addresses. */
export const isOcsAddress = ({ ocs }: Addresses, { authority, scheme }: Url): boolean => {
  if (authority === undefined || authority === "") return false;
  return ocs.has(withPort(authority, scheme)) || ocs.has(authority.replace(/:\d{1,5}$/, ""));
};
