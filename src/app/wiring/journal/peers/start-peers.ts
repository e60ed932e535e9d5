/** Makes the gateways that share a database each other's witnesses. */
import type { ShutdownSteps } from "../../../shutdown.ts";
import type { Alarms } from "../../alarms.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import type { Started } from "../journal.ts";
import { startPeerWitnesses, type PeerWitnesses } from "./peer-witnesses.ts";

const ADVICE =
  "Compare that node's journal with its backups and checkpoints; what is cosigned stays proved. If its machine was " +
  "replaced or its journal restored on purpose, run ocsgw audit accept-restore --node NAME on each other node";

type Parts = { readonly cluster: Cluster; readonly opened: Started; readonly alarms: Pick<Alarms, "raise"> };

export const startPeers = ({ cluster, opened, alarms }: Parts, stops: ShutdownSteps): Promise<PeerWitnesses> =>
  startPeerWitnesses(
    {
      cluster,
      journal: opened.journal,
      outside: opened.outside,
      sizes: opened.witnessSizes,
      signer: opened.signer,
      alarm: (alarm) => alarms.raise({ ...alarm, advice: ADVICE, upstream: "" }),
    },
    stops,
  );
