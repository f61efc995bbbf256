/** The columns of roles, bindings, admission, API extension. k8s: pkg/printers/internalversion. */
import type { KubernetesObject } from '../../../machinery/object';
import type { TableCells, TablePrinter } from '../../../machinery/table';
import { listAt, numberAt, objectAt, textAt } from '../fields';
import {
  ageColumn,
  ageOf,
  column,
  conditionOf,
  countAt,
  nameColumn,
  none,
  printer,
  wide,
} from './columns';

const roleBindings = printer(
  [column('Role')],
  (object) => [`${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`],
  [wide('Users'), wide('Groups'), wide('ServiceAccounts')],
  (object) => [subjects(object, 'User'), subjects(object, 'Group'), serviceAccounts(object)],
);

function subjects(object: KubernetesObject, kind: string): string {
  const found = listAt(object, 'subjects').filter((each) => textAt(each, 'kind') === kind);
  return found.map((each) => textAt(each, 'name')).join(', ');
}

function serviceAccounts(object: KubernetesObject): string {
  const found = listAt(object, 'subjects').filter(
    (each) => textAt(each, 'kind') === 'ServiceAccount',
  );
  return found.map((each) => `${textAt(each, 'namespace')}/${textAt(each, 'name')}`).join(', ');
}

const signingRequests: TablePrinter = {
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName'),
    column('Requestor'),
    column('RequestedDuration'),
    column('Condition'),
  ],
  cells: (object, nowMs) => {
    const seconds = numberAt(object, 'spec', 'expirationSeconds');
    return [
      object.metadata.name ?? '',
      ageOf(object, nowMs),
      textAt(object, 'spec', 'signerName') || none,
      textAt(object, 'spec', 'username'),
      seconds === undefined ? none : `${String(seconds)}s`,
      signingCondition(object),
    ];
  },
};

function signingCondition(object: KubernetesObject): string {
  const states: string[] = [];
  for (const type of ['Approved', 'Denied', 'Failed']) {
    if (conditionOf(object, type) !== undefined) states.push(type);
  }
  if (states.length === 0) states.push('Pending');
  if (textAt(object, 'status', 'certificate') !== '') states.push('Issued');
  return states.join(',');
}

const webhooks = printer([column('Webhooks', 'integer')], (object) => [
  listAt(object, 'webhooks').length,
]);

function policyPrinter(name: string, field: string): TablePrinter {
  return printer([column(name, 'integer'), column('ParamKind')], (object) => {
    const kind = objectAt(object, 'spec', 'paramKind');
    const version = textAt(kind, 'apiVersion');
    const hasKind = textAt(kind, 'kind') !== '';
    return [
      listAt(object, 'spec', field).length,
      hasKind ? `${version}/${textAt(kind, 'kind')}` : '<unset>',
    ];
  });
}

const policyBindings = printer([column('PolicyName'), column('ParamRef')], (object) => {
  const reference = objectAt(object, 'spec', 'paramRef');
  const path = [textAt(reference, 'namespace') || '*', textAt(reference, 'name')];
  return [
    textAt(object, 'spec', 'policyName'),
    Object.keys(reference).length === 0 ? '<unset>' : path.join('/'),
  ];
});

const apiServices = printer([column('Service'), column('Available')], (object) => {
  const service = objectAt(object, 'spec', 'service');
  const hasService = textAt(service, 'name') !== '';
  const available = conditionOf(object, 'Available');
  const isAvailable = textAt(available, 'status') === 'True';
  const state = textAt(available, 'status') || 'Unknown';
  const reason = textAt(available, 'reason');
  return [
    hasService ? `${textAt(service, 'namespace')}/${textAt(service, 'name')}` : 'Local',
    isAvailable || reason === '' ? state : `${state} (${reason})`,
  ];
});

const flowSchemas: TablePrinter = {
  columns: [
    nameColumn,
    column('PriorityLevel'),
    column('MatchingPrecedence', 'integer'),
    column('DistinguisherMethod'),
    ageColumn,
    column('MissingPL'),
  ],
  cells: (object, nowMs) => [
    object.metadata.name ?? '',
    textAt(object, 'spec', 'priorityLevelConfiguration', 'name'),
    countAt(object, 'spec', 'matchingPrecedence'),
    textAt(object, 'spec', 'distinguisherMethod', 'type') || none,
    ageOf(object, nowMs),
    textAt(conditionOf(object, 'Dangling'), 'status') || '?',
  ],
};

const priorityLevels = printer(
  ['Type', 'NominalConcurrencyShares', 'Queues', 'HandSize', 'QueueLengthLimit'].map((name) =>
    column(name),
  ),
  priorityLevelCells,
);

function priorityLevelCells(object: KubernetesObject): TableCells {
  const type = textAt(object, 'spec', 'type');
  const part = objectAt(object, 'spec', type === 'Exempt' ? 'exempt' : 'limited');
  const queuing = objectAt(part, 'limitResponse', 'queuing');
  const text = (value: number | undefined): string => (value === undefined ? none : String(value));
  return [
    type,
    text(numberAt(part, 'nominalConcurrencyShares')),
    text(numberAt(queuing, 'queues')),
    text(numberAt(queuing, 'handSize')),
    text(numberAt(queuing, 'queueLengthLimit')),
  ];
}

/** Printers by resource. Roles, limit ranges and definitions show Name and Created At. */
export const policyPrinters: Readonly<Record<string, TablePrinter>> = {
  apiservices: apiServices,
  certificatesigningrequests: signingRequests,
  clusterrolebindings: roleBindings,
  flowschemas: flowSchemas,
  mutatingadmissionpolicies: policyPrinter('Mutations', 'mutations'),
  mutatingadmissionpolicybindings: policyBindings,
  mutatingwebhookconfigurations: webhooks,
  prioritylevelconfigurations: priorityLevels,
  rolebindings: roleBindings,
  validatingadmissionpolicies: policyPrinter('Validations', 'validations'),
  validatingadmissionpolicybindings: policyBindings,
  validatingwebhookconfigurations: webhooks,
};
