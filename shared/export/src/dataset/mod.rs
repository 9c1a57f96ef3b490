//! Data sets: people and things of an output in the layouts of trainers, evaluators and annotation tools. One file per layout.
mod coco;
mod cvat;
mod cvat_images;
mod cvat_video;
mod images;
mod kohya;
mod mot;
mod names;
mod outline;
mod overview;
mod run;
mod sample;
mod split;
mod table;
mod tar_shards;
mod voc;
mod yolo;

pub(crate) use run::export;
