/** What an exception's class and module say, where its message is one of many: who raises it knows what failed. */
import type { Rule } from './rule.ts';

export const MODULE_RULES: readonly Rule[] = [
  { cause: 'auth_missing', weight: 'fact', match: /^(?:[\w.]{1,80}\.)?\w*(?:Missing|Invalid)(?:Api)?(?:Token|Key|Credentials?)\w*(?::|$)|^google\.[\w.]{1,60}\.(?:Forbidden|Unauthorized|Unauthenticated|PermissionDenied)\b|^openai\.\w*(?:Authentication|PermissionDenied)Error\b/ },
  { cause: 'network_download', weight: 'error', match: /^(?:requests|urllib3|http\.client|httpx|httpcore|aiohttp|botocore|s3fs|gcsfs|paramiko|ftplib|gdown|pymongo|redis|pip\._vendor\.\w+)\.[\w.]{1,80}(?::|$)|^google\.[\w.]{1,60}\.(?:ServiceUnavailable|RetryError|TransportError|DeadlineExceeded|TooManyRequests|GatewayTimeout|InternalServerError)\b|^openai\.(?:API(?:Connection|Timeout|Status)|RateLimit|InternalServer)Error\b|^(?:socket\.)?(?:timeout|gaierror|TimeoutError): (?:timed out|\[Errno -\d|The (?:read|write|handshake) operation|_ssl)/, transient: true },
  { cause: 'missing_dependency', weight: 'error', match: /^(?:[\w.]{1,80}\.)?\w{0,40}(?:DependencyNotInstalled|MissingDependency|Tesseract\w*NotFound|NotInstalled|InvalidCxxCompiler)\w*(?::|$)/ },
  { cause: 'data_error', weight: 'error', match: /^(?:PIL|av|decord|soundfile|librosa|audioread|lmdb|h5py|zipfile|tarfile|gzip|bz2|zlib|lzma|_lzma|csv|_csv|pandas\.errors|pyarrow\.lib|webdataset|datasets\.exceptions|datasets\.table|tensorflow_datasets|rasterio|nibabel|pydicom|xml\.etree|lxml|torchcodec)[\w.]{0,80}(?::|$)|^\w{0,40}DECORDError\b/ },
  { cause: 'config_error', weight: 'error', match: /^(?:omegaconf|hydra|pydantic(?:_core)?|yaml|ruamel|toml(?:i|lib)?|absl\.flags|argparse|click|configparser|jsonschema|jsonargparse|gin|ml_collections|marshmallow|cerberus|typer|tyro|draccus|simple_parsing)\.[\w.]{1,80}(?::|$)|^(?:gym|gymnasium)\.error\.(?:NameNotFound|NamespaceNotFound|VersionNotFound|UnregisteredEnv|DeprecatedEnv)\b/ },
];
