/** Table columns of built-in types by resource (K36). */
import type { TablePrinter } from '../../../machinery/table';
import { clusterPrinters } from './cluster';
import { networkPrinters } from './network';
import { policyPrinters } from './policy';
import { storagePrinters } from './storage';
import { workloadPrinters } from './workloads';

const printers: ReadonlyMap<string, TablePrinter> = new Map(
  [clusterPrinters, networkPrinters, policyPrinters, storagePrinters, workloadPrinters].flatMap(
    (table) => Object.entries(table),
  ),
);

/** The printer of a resource; undefined means Name and Created At. */
export function printerOf({ resource }: { readonly resource: string }): TablePrinter | undefined {
  return printers.get(resource);
}
