import type { CharsetName } from '../../../sdk/charset.ts'

/** The independent tables: the one in this Node (`node`) and the C library's. */
export type Peer = 'node utf-8' | 'node gbk' | 'node gb18030' | 'glibc GBK' | 'glibc EUC-CN' | 'glibc GB18030' | 'glibc UTF-8'

export const oursFor: { readonly [peer in Peer]: CharsetName } = {
  'node utf-8': 'utf-8',
  'node gbk': 'gbk',
  'node gb18030': 'gb18030',
  'glibc GBK': 'gbk',
  'glibc EUC-CN': 'gb2312',
  'glibc GB18030': 'gb18030',
  'glibc UTF-8': 'utf-8',
}

/** A code and the characters both tables read, or a character and the codes both tables write; undefined where a table has none. */
export type Difference = { readonly code: number; readonly ours: number | undefined; readonly theirs: number | undefined }

export type Reason = {
  readonly reason: string
  readonly peers: readonly Peer[]
  reads?(difference: Difference): boolean
  writes?(difference: Difference): boolean
}

/** Numbers of a list such as `A6D9-A6DF A6EC`. */
export const listed = (list: string): ReadonlySet<number> =>
  new Set(
    list.split(' ').flatMap(part => {
      const [first = 0, last = first] = part.split('-').map(number => Number.parseInt(number, 16))
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    }),
  )

const everyone: readonly Peer[] = ['node utf-8', 'node gbk', 'node gb18030', 'glibc GBK', 'glibc EUC-CN', 'glibc GB18030', 'glibc UTF-8']
const within = (c: number | undefined, ...ranges: readonly (readonly [number, number])[]) =>
  c !== undefined && ranges.some(([first, last]) => c >= first && c <= last)
const isPrivateUse = (c: number | undefined) => within(c, [0xe000, 0xf8ff], [0xf0000, 0x10ffff])
const isNoncharacter = (c: number | undefined) =>
  within(c, [0xfdd0, 0xfdef]) || (c !== undefined && (c % 0x10000 === 0xfffe || c % 0x10000 === 0xffff))

const rare = listed('A8BC A8BF A989-A995 FE50 FE54-FE6B FE6D-FE75 FE77-FE7E FE80-FE90 FE92-FEA0')
const rareCharacters = listed(
  '1F9 1E3F 2E81 2E84 2E88 2E8B 2E8C 2E97 2EA7 2EAA 2EAE 2EB3 2EB6 2EB7 2EBB 2ECA 2FF0-2FFB 303E 3447 3473 359E 360E 361A 3918 396E 39CF ' +
    '39D0 39DF 3A73 3B4E 3C6E 3CE0 4056 415F 4337 43AC 43B1 43DD 44D6 464C 4661 4723 4729 477C 478D 4947 497A 497D 4982 4983 4985 4986 499B ' +
    '499F 49B6 49B7 4C77 4C9F-4CA3 4D13-4D19 4DAE 9FB4-9FBB',
)
const six = listed('FE51 FE52 FE53 FE6C FE76 FE91')
const sixCharacters = listed('20087 20089 200CC 215D7 2298F 241FE')
const vertical = listed('A6D9-A6DF A6EC-A6ED A6F3')
const pairs2005 = listed('84318236-84318239 84318330-84318335 82359037-82359039 82359130-82359134')

/** Every difference there is between our table and the others, and why we keep it. */
export const reasons: readonly Reason[] = [
  {
    reason: 'private use has no agreed meaning: two spellings of one name do not reconcile',
    peers: everyone,
    reads: d => d.ours === undefined && isPrivateUse(d.theirs),
    writes: d => d.ours === undefined && isPrivateUse(d.code),
  },
  {
    reason: 'noncharacters are not for interchange (Unicode 23.7)',
    peers: everyone,
    reads: d => d.ours === undefined && isNoncharacter(d.theirs),
    writes: d => d.ours === undefined && isNoncharacter(d.code),
  },
  {
    reason: 'U+FEFF is an invisible difference of equal texts, U+FFFD the mark of text lost elsewhere',
    peers: everyone,
    reads: d => d.ours === undefined && d.theirs === 0xfeff,
    writes: d => d.ours === undefined && (d.code === 0xfeff || d.code === 0xfffd),
  },
  {
    reason: 'A3A0 is user-defined in GB 18030; WHATWG reads a second full-width space, which would not come back the same (A1A1)',
    peers: ['node gbk', 'node gb18030'],
    reads: d => d.code === 0xa3a0 && d.ours === undefined && d.theirs === 0x3000,
  },
  {
    reason: 'byte 80 as € is of CP936 alone, no standard has it',
    peers: ['node gbk', 'node gb18030', 'glibc GBK'],
    reads: d => d.code === 0x80 && d.ours === undefined && d.theirs === 0x20ac,
    writes: d => d.code === 0x20ac && d.ours === undefined && d.theirs === 0x80,
  },
  {
    reason: 'A2E3 € came with GB 18030; under the name of GBK some write 80, some A2E3',
    peers: ['node gbk'],
    reads: d => d.code === 0xa2e3 && d.ours === undefined && d.theirs === 0x20ac,
  },
  {
    reason: 'vertical punctuation came with GB 18030; GBK 1.0 does not have it',
    peers: ['node gbk'],
    reads: d => vertical.has(d.code) && d.ours === undefined && within(d.theirs, [0xfe10, 0xfe19]),
  },
  {
    reason: 'the four-byte codes of 2005 for ︐…︙ and 龴…龻, which since 2022 have two bytes: a second spelling',
    peers: ['node gb18030'],
    reads: d => pairs2005.has(d.code) && d.ours === undefined && within(d.theirs, [0xfe10, 0xfe19], [0x9fb4, 0x9fbb]),
  },
  {
    reason: 'glibc’s GBK is CP936, which lacks 95 characters of GBK 1.0, 䶮 (FE9F) among them; six are private use here as well',
    peers: ['glibc GBK'],
    reads: d => rare.has(d.code) && d.ours !== undefined && d.theirs === undefined,
    writes: d => rareCharacters.has(d.code) && d.ours !== undefined && d.theirs === undefined,
  },
  {
    reason: 'glibc’s EUC-CN reads A1A4 and A1AA as ・ (U+30FB) and ― (U+2015), all others, glibc’s GBK too, as · and —',
    peers: ['glibc EUC-CN'],
    reads: d =>
      (d.code === 0xa1a4 && d.ours === 0xb7 && d.theirs === 0x30fb) || (d.code === 0xa1aa && d.ours === 0x2014 && d.theirs === 0x2015),
    writes: d => ([0xb7, 0x2014].includes(d.code) ? d.theirs === undefined : [0x30fb, 0x2015].includes(d.code) && d.ours === undefined),
  },
  {
    reason: 'glibc gives six characters two bytes, where the standard keeps private use and the characters have four bytes',
    peers: ['glibc GB18030'],
    reads: d => six.has(d.code) && d.ours === undefined && d.theirs !== undefined && sixCharacters.has(d.theirs),
    writes: d => sixCharacters.has(d.code) && d.theirs !== undefined && six.has(d.theirs),
  },
]
