/** A block, the fields that it says and the dynamic table after it, newest entry first, with its size. */
export interface Example {
  readonly title: string;
  readonly block: string;
  readonly fields: readonly string[];
  readonly table: readonly string[];
  readonly tableBytes: number;
}

const first = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const second = [...first, 'cache-control: no-cache'];
const third = [
  ':method: GET',
  ':scheme: https',
  ':path: /index.html',
  ':authority: www.example.com',
  'custom-key: custom-value',
];
const requestTables = [
  { table: [':authority: www.example.com'], tableBytes: 57 },
  { table: ['cache-control: no-cache', ':authority: www.example.com'], tableBytes: 110 },
  { table: ['custom-key: custom-value', 'cache-control: no-cache', ':authority: www.example.com'], tableBytes: 164 },
] as const;

const at21 = 'date: Mon, 21 Oct 2013 20:13:21 GMT';
const at22 = 'date: Mon, 21 Oct 2013 20:13:22 GMT';
const location = 'location: https://www.example.com';
const cookie = 'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1';
const found = [':status: 302', 'cache-control: private', at21, location];
const moved = [':status: 307', 'cache-control: private', at21, location];
const ok = [':status: 200', 'cache-control: private', at22, location, 'content-encoding: gzip', cookie];
const responseTables = [
  { table: [location, at21, 'cache-control: private', ':status: 302'], tableBytes: 222 },
  { table: [':status: 307', location, at21, 'cache-control: private'], tableBytes: 222 },
  { table: [cookie, 'content-encoding: gzip', at22], tableBytes: 215 },
] as const;

/** Blocks of one connection each, in their order: https://www.rfc-editor.org/rfc/rfc7541#appendix-C */
export const connections: readonly {
  readonly title: string;
  readonly tableBytes: number;
  readonly examples: readonly Example[];
}[] = [
  {
    title: 'C.2.1',
    tableBytes: 4_096,
    examples: [
      {
        title: 'C.2.1 literal with indexing',
        block: '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572',
        fields: ['custom-key: custom-header'],
        table: ['custom-key: custom-header'],
        tableBytes: 55,
      },
    ],
  },
  {
    title: 'C.2.2 to C.2.4',
    tableBytes: 4_096,
    examples: [
      {
        title: 'C.2.2 literal without indexing',
        block: '040c 2f73 616d 706c 652f 7061 7468',
        fields: [':path: /sample/path'],
        table: [],
        tableBytes: 0,
      },
      {
        title: 'C.2.3 literal never indexed',
        block: '1008 7061 7373 776f 7264 0673 6563 7265 74',
        fields: ['password: secret'],
        table: [],
        tableBytes: 0,
      },
      { title: 'C.2.4 indexed field', block: '82', fields: [':method: GET'], table: [], tableBytes: 0 },
    ],
  },
  {
    title: 'C.3',
    tableBytes: 4_096,
    examples: [
      {
        title: 'C.3.1 first request',
        block: '8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
        fields: first,
        ...requestTables[0],
      },
      {
        title: 'C.3.2 second request',
        block: '8286 84be 5808 6e6f 2d63 6163 6865',
        fields: second,
        ...requestTables[1],
      },
      {
        title: 'C.3.3 third request',
        block: '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65',
        fields: third,
        ...requestTables[2],
      },
    ],
  },
  {
    title: 'C.4',
    tableBytes: 4_096,
    examples: [
      {
        title: 'C.4.1 first request, Huffman-coded',
        block: '8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff',
        fields: first,
        ...requestTables[0],
      },
      {
        title: 'C.4.2 second request, Huffman-coded',
        block: '8286 84be 5886 a8eb 1064 9cbf',
        fields: second,
        ...requestTables[1],
      },
      {
        title: 'C.4.3 third request, Huffman-coded',
        block: '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf',
        fields: third,
        ...requestTables[2],
      },
    ],
  },
  {
    title: 'C.5',
    tableBytes: 256,
    examples: [
      {
        title: 'C.5.1 first response',
        block: `4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768
          7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        fields: found,
        ...responseTables[0],
      },
      { title: 'C.5.2 second response', block: '4803 3330 37c1 c0bf', fields: moved, ...responseTables[1] },
      {
        title: 'C.5.3 third response',
        block: `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153
          444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
        fields: ok,
        ...responseTables[2],
      },
    ],
  },
  {
    title: 'C.6',
    tableBytes: 256,
    examples: [
      {
        title: 'C.6.1 first response, Huffman-coded',
        block: `4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8
          e9ae 82ae 43d3`,
        fields: found,
        ...responseTables[0],
      },
      {
        title: 'C.6.2 second response, Huffman-coded',
        block: '4883 640e ffc1 c0bf',
        fields: moved,
        ...responseTables[1],
      },
      {
        title: 'C.6.3 third response, Huffman-coded',
        block: `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b
          3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07`,
        fields: ok,
        ...responseTables[2],
      },
    ],
  },
];
