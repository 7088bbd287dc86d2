/** Which package brings a Python module. Names come from logs, so both sides are checked before anyone may install one. */

const PACKAGES: Readonly<Record<string, string>> = {
  cv2: 'opencv-python-headless', yaml: 'PyYAML', sklearn: 'scikit-learn', PIL: 'Pillow', skimage: 'scikit-image', bs4: 'beautifulsoup4', attr: 'attrs', dateutil: 'python-dateutil',
  dotenv: 'python-dotenv', OpenSSL: 'pyOpenSSL', Crypto: 'pycryptodome', serial: 'pyserial', google: 'protobuf', fitz: 'PyMuPDF', docx: 'python-docx', pptx: 'python-pptx',
  flash_attn: 'flash-attn', hydra: 'hydra-core', pytorch_lightning: 'pytorch-lightning', lightning_fabric: 'lightning-fabric', open_clip: 'open-clip-torch', clip: 'clip-anytorch', sentence_transformers: 'sentence-transformers',
  huggingface_hub: 'huggingface-hub', transformers_stream_generator: 'transformers-stream-generator', pkg_resources: 'setuptools', mpl_toolkits: 'matplotlib', ruamel: 'ruamel.yaml', zmq: 'pyzmq', gym: 'gym', git: 'GitPython',
  magic: 'python-magic', Levenshtein: 'python-Levenshtein', nvidia_smi: 'nvidia-ml-py3', pynvml: 'nvidia-ml-py', apex: '', umap: 'umap-learn', faiss: 'faiss-cpu', rouge_score: 'rouge-score', tensorboardX: 'tensorboardX', einops_exts: 'einops-exts',
  pycocotools: 'pycocotools', mmcv: 'mmcv', detectron2: '', transformer_engine: 'transformer-engine', causal_conv1d: 'causal-conv1d', mamba_ssm: 'mamba-ssm', stable_baselines3: 'stable-baselines3', tensorflow_datasets: 'tensorflow-datasets',
  tensorflow_probability: 'tensorflow-probability', tensorflow_hub: 'tensorflow-hub', torch_geometric: 'torch-geometric', torch_scatter: 'torch-scatter', torch_sparse: 'torch-sparse', pytorch3d: '', xformers: 'xformers', lpips: 'lpips', kornia: 'kornia',
  webdataset: 'webdataset', soundfile: 'soundfile', librosa: 'librosa', jieba: 'jieba', omegaconf: 'omegaconf', sacrebleu: 'sacrebleu', cpuinfo: 'py-cpuinfo', ffmpeg: 'ffmpeg-python', prodigyopt: 'prodigyopt', bitsandbytes: 'bitsandbytes',
  deepspeed: 'deepspeed', trl: 'trl', vllm: 'vllm', unsloth: 'unsloth', liger_kernel: 'liger-kernel', torchao: 'torchao', six: 'six', MySQLdb: 'mysqlclient', win32api: 'pywin32', imblearn: 'imbalanced-learn', model_index: 'model-index', terminaltables: 'terminaltables',
  typing_extensions: 'typing-extensions', importlib_metadata: 'importlib-metadata', albumentations: 'albumentations', torchmetrics: 'torchmetrics', segmentation_models_pytorch: 'segmentation-models-pytorch', pl_bolts: 'lightning-bolts', fvcore: 'fvcore', iopath: 'iopath', timm: 'timm',
};
/** Names that people give to modules of their own project: installing a package of that name would bring a stranger's code. */
const LOCAL = new Set('utils,util,models,model,data,dataset,datasets_utils,config,configs,train,trainer,lib,libs,src,core,common,helpers,helper,tools,modules,module,layers,networks,network,options,losses,loss,evaluate,eval,test,tests,engine,scripts,args,misc,main,app,functions,opts,exp,experiments,dataloader,preprocess,preprocessing,metrics,metric,utils_'.split(','));
const MODULE = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$/;

/** A module name fit to be shown and compared; undefined when it is no such name. */
export function safeModule(name: string): string | undefined {
  return MODULE.test(name) ? name : undefined;
}

/** The package to install for `module`; undefined when nobody knows, or it looks like a module of the project itself. */
export function packageFor(module: string): string | undefined {
  if (!safeModule(module)) return undefined;
  const top = module.split('.')[0] ?? '';
  if (Object.hasOwn(PACKAGES, top)) return PACKAGES[top] || undefined;
  if (LOCAL.has(top.toLowerCase()) || top.startsWith('_') || !/^[A-Za-z][A-Za-z0-9_]{0,59}[A-Za-z0-9]$/.test(top)) return undefined;
  return top.replaceAll('_', '-');
}

/** More that trainings ask for under their own names. */
const COMMON = 'accelerate,aim,av,boto3,datasets,decord,diffusers,einops,evaluate,fairscale,fire,fsspec,ftfy,gcsfs,h5py,jsonlines,lightning,lmdb,matplotlib,ml-collections,mlflow,ninja,nltk,numpy,optuna,packaging,pandas,peft,pillow,polars,protobuf,psutil,pyarrow,regex,rich,s3fs,safetensors,scipy,seaborn,sentencepiece,simplejson,spacy,tabulate,tensorboard,tiktoken,tokenizers,toml,tqdm,transformers,tyro,wandb,zarr,zstandard'.split(',');
const KNOWN: ReadonlySet<string> = new Set([...Object.values(PACKAGES).filter((name) => name !== ''), ...COMMON].map((name) => name.toLowerCase().replace(/[._-]+/g, '-')));

/** Packages that were known before any log was read, names folded to lower case and dashes. */
export const knownPackages = (): ReadonlySet<string> => KNOWN;
