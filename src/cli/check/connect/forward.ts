/** Destinations of `audit.forward`: can they be reached? Nothing is sent. */
import { lookup } from "node:dns/promises";
import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { addressText, type ForwardAddress } from "../../../journal/forward/destination.ts";
import { tryDestination } from "../../../journal/forward/delivery.ts";
import { faultInWords } from "../../../common/system-error.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Row } from "./row.ts";

type Destination = Settings["audit"]["forward"][number];

export const forwardRows = ({ audit }: Settings): Promise<Row[]> => Promise.all(audit.forward.map(rowOf));

const rowOf = async ({ name: destination, to, tls }: Destination): Promise<Row> => {
  const [name, address] = [`forward ${destination}`, addressText(to)];
  try {
    return { name, ...(await found(to, tls)) };
  } catch (error) {
    return { name, state: "fail", says: [`${address}: ${faultInWords(error)}`] };
  }
};

const found = async (to: ForwardAddress, tls: Destination["tls"]): Promise<Omit<Row, "name">> => {
  const address = addressText(to);
  if (to.kind === "file") {
    await access(dirname(to.path), constants.W_OK | constants.X_OK);
    return { state: "ok", says: [`${address}: its folder can be written`] };
  }
  if (to.protocol === "udp") {
    await lookup(to.host);
    return { state: "ok", says: [`${address}: the host is known; UDP cannot say whether a receiver is there`] };
  }
  await tryDestination({ to, tls });
  return { state: "ok", says: [`${address} accepts connections`] };
};
