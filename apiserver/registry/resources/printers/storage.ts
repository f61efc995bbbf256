/** The columns of volumes and storage classes. k8s: pkg/printers/internalversion. */
import type { Json, KubernetesObject } from '../../../machinery/object';
import type { TablePrinter } from '../../../machinery/table';
import { isTrueAt, listAt, objectAt, textAt, valueAt } from '../fields';
import { ageColumn, ageOf, column, nameColumn, none, printer, scalarText, wide } from './columns';

const unset = '<unset>';

const accessModeNames: Readonly<Record<string, string>> = {
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOnce: 'RWO',
  ReadWriteOncePod: 'RWOP',
};

function accessModes(modes: readonly Json[]): string {
  const names = new Set(modes.map((mode) => accessModeNames[scalarText(mode)] ?? ''));
  return ['RWO', 'ROX', 'RWX', 'RWOP'].filter((name) => names.has(name)).join(',');
}

function phaseOf(object: KubernetesObject): string {
  const isGoing = object.metadata.deletionTimestamp !== undefined;
  return isGoing ? 'Terminating' : textAt(object, 'status', 'phase');
}

function storageClassOf(object: KubernetesObject): string {
  const old = object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return old ?? textAt(object, 'spec', 'storageClassName');
}

const volumeModeColumns = [wide('VolumeMode')];
const volumeMode = (object: KubernetesObject): readonly string[] => [
  textAt(object, 'spec', 'volumeMode') || unset,
];

const persistentVolumes = printer(
  [
    column('Capacity'),
    column('Access Modes'),
    column('Reclaim Policy'),
    column('Status'),
    column('Claim'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
    column('Reason'),
  ],
  (object) => {
    const claim = objectAt(object, 'spec', 'claimRef');
    const hasClaim = textAt(claim, 'name') !== '';
    return [
      scalarText(valueAt(object, 'spec', 'capacity', 'storage')),
      accessModes(listAt(object, 'spec', 'accessModes')),
      textAt(object, 'spec', 'persistentVolumeReclaimPolicy'),
      phaseOf(object),
      hasClaim ? `${textAt(claim, 'namespace')}/${textAt(claim, 'name')}` : '',
      storageClassOf(object),
      textAt(object, 'spec', 'volumeAttributesClassName') || unset,
      textAt(object, 'status', 'reason'),
    ];
  },
  volumeModeColumns,
  volumeMode,
);

const persistentVolumeClaims = printer(
  [
    column('Status'),
    column('Volume'),
    column('Capacity'),
    column('Access Modes'),
    column('StorageClass'),
    column('VolumeAttributesClass'),
  ],
  (object) => {
    const volume = textAt(object, 'spec', 'volumeName');
    const isBound = volume !== '';
    return [
      phaseOf(object),
      volume,
      isBound ? scalarText(valueAt(object, 'status', 'capacity', 'storage')) : '',
      isBound ? accessModes(listAt(object, 'status', 'accessModes')) : '',
      storageClassOf(object),
      textAt(object, 'spec', 'volumeAttributesClassName') || unset,
    ];
  },
  volumeModeColumns,
  volumeMode,
);

const defaultClassAnnotations = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
];

const storageClasses: TablePrinter = {
  columns: [
    nameColumn,
    column('Provisioner'),
    column('ReclaimPolicy'),
    column('VolumeBindingMode'),
    column('AllowVolumeExpansion'),
    ageColumn,
  ],
  cells: (object, nowMs) => {
    const { annotations } = object.metadata;
    const isDefault = defaultClassAnnotations.some((name) => annotations?.[name] === 'true');
    const name = object.metadata.name ?? '';
    return [
      isDefault ? `${name} (default)` : name,
      textAt(object, 'provisioner'),
      textAt(object, 'reclaimPolicy') || 'Delete',
      textAt(object, 'volumeBindingMode') || 'Immediate',
      isTrueAt(object, 'allowVolumeExpansion'),
      ageOf(object, nowMs),
    ];
  },
};

const volumeAttributesClasses = printer([column('DriverName')], (object) => [
  textAt(object, 'driverName'),
]);

const volumeAttachments = printer(
  [column('Attacher'), column('PV'), column('Node'), column('Attached', 'boolean')],
  (object) => [
    textAt(object, 'spec', 'attacher'),
    textAt(object, 'spec', 'source', 'persistentVolumeName'),
    textAt(object, 'spec', 'nodeName'),
    isTrueAt(object, 'status', 'attached'),
  ],
);

const csiNodes = printer([column('Drivers', 'integer')], (object) => [
  listAt(object, 'spec', 'drivers').length,
]);

const csiDrivers = printer(
  [
    column('AttachRequired', 'boolean'),
    column('PodInfoOnMount', 'boolean'),
    column('StorageCapacity', 'boolean'),
    column('TokenRequests'),
    column('RequiresRepublish', 'boolean'),
    column('Modes'),
  ],
  (object) => {
    const audiences = listAt(object, 'spec', 'tokenRequests').map((each) =>
      textAt(each, 'audience'),
    );
    const modes = listAt(object, 'spec', 'volumeLifecycleModes').map(scalarText);
    return [
      valueAt(object, 'spec', 'attachRequired') !== false,
      isTrueAt(object, 'spec', 'podInfoOnMount'),
      isTrueAt(object, 'spec', 'storageCapacity'),
      audiences.length === 0 ? unset : audiences.join(','),
      isTrueAt(object, 'spec', 'requiresRepublish'),
      modes.length === 0 ? none : modes.join(','),
    ];
  },
);

const csiStorageCapacities = printer([column('StorageClass'), column('Capacity')], (object) => [
  textAt(object, 'storageClassName'),
  scalarText(valueAt(object, 'capacity')) || unset,
]);

/** Printers by resource. */
export const storagePrinters: Readonly<Record<string, TablePrinter>> = {
  csidrivers: csiDrivers,
  csinodes: csiNodes,
  csistoragecapacities: csiStorageCapacities,
  persistentvolumeclaims: persistentVolumeClaims,
  persistentvolumes: persistentVolumes,
  storageclasses: storageClasses,
  volumeattachments: volumeAttachments,
  volumeattributesclasses: volumeAttributesClasses,
};
