/** How the nodes of the shared database ask each other: addresses from the database, credentials from the config. */
import { PeerDesk } from "../../../admin/peers/by-peer.ts";
import { Nodes, type KnownNode, type NodeList } from "../../../admin/peers/nodes.ts";
import type { PeerCredentials } from "../../../admin/peers/peer-client.ts";
import type { ClusterNode } from "../../../cluster/membership.ts";
import { readSmallFile } from "../../../common/small-file/small-file.ts";
import type { Settings } from "../../../settings/schema/schema.ts";
import type { Cluster } from "./cluster.ts";

/** In the row of each node: what it tells others about its admin API. */
const PART = "admin";

export type Peers = {
  readonly nodes: Nodes;
  readonly peerDesk: PeerDesk;
  /** Reads the files again. To be called when another reading is in force, and with the URL of the admin listener. */
  readonly refresh: (url: string | undefined) => Promise<void>;
};

type Deps = {
  readonly cluster: Pick<Cluster, "node"> & { readonly membership: Members };
  readonly settings: () => Settings;
};
type Members = {
  readonly nodes: readonly Pick<ClusterNode, "name" | "state" | "details">[];
  readonly isLeased: boolean;
  readonly tell: (part: string, value: unknown) => void;
};

/** Rejects if a file of `shared.peers.tls` cannot be read. */
export const createPeers = async ({ cluster: { node, membership }, settings }: Deps): Promise<Peers> => {
  const peersNow = (): NonNullable<Settings["shared"]>["peers"] => settings().shared?.peers ?? null;
  let credentials = await credentialsOf(node, peersNow());
  const list = (): NodeList => ({
    nodes: membership.nodes.map(knownNode),
    trouble: membership.isLeased ? undefined : NO_DATABASE,
  });
  return {
    nodes: new Nodes({ own: node, list, credentials: () => credentials }),
    peerDesk: new PeerDesk({
      node,
      trust: () => {
        const peers = peersNow();
        return peers ? { key: peers.common_key ?? undefined, needsCertificate: peers.tls.cert !== null } : undefined;
      },
      hostsOf: (name) => {
        const address = addressIn(membership.nodes.find((each) => each.name === name)?.details);
        return address !== undefined && URL.canParse(address) ? [new URL(address).hostname] : [];
      },
    }),
    refresh: async (url) => {
      const peers = peersNow();
      // The reload has read these files a moment ago; if one is gone since, the credentials stay as they are.
      credentials = await credentialsOf(node, peers).catch(() => credentials);
      membership.tell(PART, { address: peers ? (peers.address ?? url ?? null) : null });
    },
  };
};

const NO_DATABASE = "the shared database does not answer, so nodes that joined lately may be missing";

const knownNode = ({ name, state, details }: Members["nodes"][number]): KnownNode => ({
  node: name,
  state,
  address: addressIn(details),
});

/** Any node of any version wrote it. */
const addressIn = (details: ClusterNode["details"] | undefined): string | undefined => {
  const told = details?.[PART];
  const address = typeof told === "object" && told !== null && "address" in told ? told.address : undefined;
  return typeof address === "string" && /^https?:\/\/[^\s/?#@\\]+\/?$/.test(address) ? address : undefined;
};

const credentialsOf = async (
  node: string,
  peers: NonNullable<Settings["shared"]>["peers"],
): Promise<PeerCredentials | undefined> => {
  if (!peers) return undefined;
  const { common_key: key, tls } = peers;
  const [cert, certKey] = [await textOf(tls.cert), await textOf(tls.key)];
  return {
    node,
    key: key ?? undefined,
    ca: await textOf(tls.ca),
    certificate: cert !== undefined && certKey !== undefined ? { cert, key: certKey } : undefined,
  };
};

const textOf = async (file: string | null): Promise<string | undefined> =>
  file === null ? undefined : (await readSmallFile(file)).toString();
