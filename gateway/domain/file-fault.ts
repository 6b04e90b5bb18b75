/** Why a file is refused, whole: the rule, in both languages, and where in the file it is broken. It never repeats a value. */
export type FileFault = {
  readonly code: string
  readonly zh: string
  readonly en: string
  readonly detail?: string
  /** 1-based. */
  readonly line?: number
  /** From the start of the file, 0-based. */
  readonly byte?: number
}

/** The rules that a file may break beside those of its layout. */
export const fileRules = {
  'bad-name': ['文件名不合约定', 'the name is not of the agreed form'],
  'other-bank': ['不是该银行的文件', 'the file is not this bank’s'],
  'day-ahead': ['会计日期还远', 'the accounting day is far off'],
  'not-regular': ['不是普通文件', 'it is no regular file'],
  'too-large': ['文件超过上限', 'the file is larger than allowed'],
  'gzip-broken': ['gzip 数据有误或不完整', 'the gzip data are broken or cut'],
  'gzip-bomb': ['压缩比异常,拒绝解压', 'it unpacks to far more than it is'],
  'digest-differs': ['与完成标记中的摘要不符', 'its digest is not that of the marker'],
  'content-differs': [
    '同名文件内容与已收到的不同,网关也没有要求重发',
    'it came before with other content, and the gateway has not asked for it again',
  ],
  'chunks-differ': ['分片总数与其他分片不一致', 'another number of chunks than the other chunks say'],
  'header-bank': ['文件头的银行与文件名不符', 'the header names another bank than the name'],
  'header-date': ['文件头的会计日期与文件名不符', 'the header names another accounting date than the name'],
  'header-session': ['文件头的场次与文件名不符', 'the header names another session than the name'],
  'header-chunk': ['文件头的分片与文件名不符', 'the header names another chunk than the name'],
  'header-work-date': [
    '文件头的工作日期不是本场次的:应写总账或文件请求所告知的工作日期,未经请求自送的写会计日期至送达当日之间的一天',
    'the header names a work date that is not the session’s: that of its totals or of the request for it is meant, or, of a file that comes unasked, a day from the accounting date to the one on which it comes',
  ],
  'line-date': ['分录的会计日期与文件头不符', 'an entry of another accounting date'],
  'line-ahead': ['委托日期晚于会计日期和今日', 'an entrust date after both the accounting date and today'],
  'foreign-entry': ['属于其他银行的分录', 'an entry of another bank'],
  'duplicate-serial': ['银行流水号重复', 'a serial number of the bank stands twice'],
  'repeated-key': ['同一主键反复出现', 'one key comes again and again'],
  'another-day': ['与网关记录大面积不符,不是该行该日的文件', 'so much is not as booked that it is no file of this bank and day'],
  'whole-differs': ['各分片合计与文件头的总数不符', 'the chunks do not come to the whole that their headers name'],
  'digest-changed': ['存放的字节与收到时不同', 'the bytes are not those that were received'],
} as const satisfies { readonly [code: string]: readonly [zh: string, en: string] }
export type FileRule = keyof typeof fileRules

/** A broken rule as a fault. */
export const fileFault = (code: FileRule, at: Pick<FileFault, 'line' | 'byte' | 'detail'> = {}): FileFault => {
  const [zh, en] = fileRules[code]
  return { code, zh, en, ...at }
}

/** A file is refused whole; nothing of it was used. */
export class FileRefused extends Error {
  readonly fault: FileFault

  constructor(fault: FileFault | FileRule) {
    const of = typeof fault === 'string' ? fileFault(fault) : fault
    super(`${of.code}: ${of.detail ?? of.en}${of.line === undefined ? '' : ` (line ${of.line})`}`)
    this.name = 'FileRefused'
    this.fault = of
  }
}
