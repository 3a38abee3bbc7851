import { Ajv, type JSONSchemaType } from 'ajv';

/**
 * Every field of a manifest that these tests play, with the only value where they know one. Any other field, or any other
 * value of such a field, is refused: a manifest must not say what nothing here tries.
 */
type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const count: Schema = { type: 'integer', minimum: 0 };
const texts: Schema = { type: 'object', additionalProperties: text, required: [] };
const exactly = (value: unknown): Schema => ({ const: value });
const list = (items: Schema): Schema => ({ type: 'array', items, minItems: 1 });

function fields(required: Readonly<Record<string, Schema>>, optional: Readonly<Record<string, Schema>> = {}): Schema {
  return {
    type: 'object',
    properties: { ...required, ...optional },
    required: Object.keys(required),
    additionalProperties: false,
  };
}

const port: Schema = { anyOf: [count, text] };
const probe: Schema = fields(
  {},
  {
    httpGet: fields({ path: text, port }),
    tcpSocket: fields({ port }),
    grpc: fields({ port: count }),
    periodSeconds: count,
    failureThreshold: count,
    terminationGracePeriodSeconds: count,
  },
);

const containerFields: Readonly<Record<string, Schema>> = {
  name: text,
  image: text,
  resources: fields({ requests: fields({ cpu: text, memory: text }), limits: fields({ memory: text }) }),
  securityContext: fields({
    allowPrivilegeEscalation: exactly(false),
    readOnlyRootFilesystem: exactly(true),
    capabilities: fields({ drop: exactly(['ALL']) }),
  }),
};
const containerChoices: Readonly<Record<string, Schema>> = {
  args: list(text),
  env: list(
    fields(
      { name: text },
      { value: text, valueFrom: fields({ fieldRef: fields({ fieldPath: exactly('metadata.name') }) }) },
    ),
  ),
  ports: list(fields({ name: text, containerPort: count })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  volumeMounts: list(fields({ name: text, mountPath: text }, { readOnly: exactly(true) })),
};

const pod: Schema = fields(
  {
    terminationGracePeriodSeconds: count,
    automountServiceAccountToken: exactly(false),
    securityContext: fields({
      runAsNonRoot: exactly(true),
      runAsUser: count,
      runAsGroup: count,
      fsGroup: count,
      seccompProfile: fields({ type: exactly('RuntimeDefault') }),
    }),
    containers: list(fields(containerFields, containerChoices)),
  },
  {
    initContainers: list(fields({ ...containerFields, restartPolicy: exactly('Always') }, containerChoices)),
    volumes: list(
      fields(
        { name: text },
        { configMap: fields({ name: text }), secret: fields({ secretName: text, defaultMode: count }) },
      ),
    ),
  },
);

const claim: Schema = fields({
  metadata: fields({ name: text }),
  spec: fields({
    accessModes: exactly(['ReadWriteOnce']),
    resources: fields({ requests: fields({ storage: text }) }),
  }),
});

const kinds: Readonly<Record<string, Schema>> = {
  'v1 ConfigMap': fields({ data: texts }),
  'v1 Secret': fields({ stringData: texts }),
  'v1 Service': fields({
    spec: fields(
      { selector: texts },
      {
        clusterIP: exactly('None'),
        ports: list(fields({ name: text, port: count, targetPort: port }, { appProtocol: text })),
      },
    ),
  }),
  'apps/v1 StatefulSet': fields({
    spec: fields(
      {
        serviceName: text,
        replicas: count,
        selector: fields({ matchLabels: texts }),
        template: fields({ metadata: fields({ labels: texts }), spec: pod }),
      },
      { volumeClaimTemplates: list(claim) },
    ),
  }),
};

const ajv = new Ajv({ strict: true, allErrors: true, strictTypes: false });

/** @throws Error that names each field which is not played. */
export function checkFields(manifest: object): void {
  const { apiVersion, kind, metadata, ...rest } = manifest as Readonly<Record<string, unknown>>;
  const schema = kinds[`${String(apiVersion)} ${String(kind)}`];
  if (schema === undefined) throw new Error(`no test plays a ${String(apiVersion)} ${String(kind)}`);
  for (const [value, known] of [
    [rest, schema],
    [metadata, fields({ name: text })],
  ] as const) {
    const validate = ajv.compile(known as JSONSchemaType<unknown>);
    if (validate(value)) continue;
    const problems = (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    throw new Error(`no test plays this of ${String(kind)}:\n${problems.join('\n')}`);
  }
}
