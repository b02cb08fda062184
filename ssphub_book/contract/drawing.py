"""What draws at random in scikit-learn: its estimators, splitters and functions that take `random_state`."""

from __future__ import annotations

DRAWS = {
    "AdaBoostClassifier", "AdaBoostRegressor", "AffinityPropagation", "BaggingClassifier",
    "BaggingRegressor", "BayesianGaussianMixture", "BernoulliRBM", "BisectingKMeans",
    "DecisionTreeClassifier", "DecisionTreeRegressor", "DictionaryLearning", "EllipticEnvelope",
    "ExtraTreeClassifier", "ExtraTreeRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
    "FactorAnalysis", "FastICA", "GaussianMixture", "GaussianRandomProjection",
    "GradientBoostingClassifier", "GradientBoostingRegressor", "HistGradientBoostingClassifier",
    "HistGradientBoostingRegressor", "IsolationForest", "KMeans", "LatentDirichletAllocation",
    "LinearSVC", "LinearSVR", "MDS", "MLPClassifier", "MLPRegressor", "MinCovDet",
    "MiniBatchDictionaryLearning", "MiniBatchKMeans", "MiniBatchNMF", "MiniBatchSparsePCA", "NMF",
    "Nystroem", "OutputCodeClassifier", "PassiveAggressiveClassifier", "PassiveAggressiveRegressor",
    "PatchExtractor", "Perceptron", "PolynomialCountSketch", "QuantileTransformer", "RANSACRegressor",
    "RBFSampler", "RandomForestClassifier", "RandomForestRegressor", "RandomTreesEmbedding",
    "RandomizedSearchCV", "SGDClassifier", "SGDOneClassSVM", "SGDRegressor", "SkewedChi2Sampler",
    "SparsePCA", "SparseRandomProjection", "SpectralBiclustering", "SpectralClustering",
    "SpectralCoclustering", "TSNE", "TargetEncoder", "TheilSenRegressor", "TruncatedSVD",
    "GroupShuffleSplit", "RepeatedKFold", "RepeatedStratifiedKFold", "ShuffleSplit",
    "StratifiedShuffleSplit", "train_test_split", "permutation_importance", "resample", "shuffle",
}  # fmt: skip

# Those that draw under one option only: its name, and the values that make them draw.
DRAWS_WHEN: dict[str, tuple[str, tuple]] = {
    **dict.fromkeys(("KFold", "StratifiedKFold", "StratifiedGroupKFold", "GroupKFold"), ("shuffle", (True,))),
    **dict.fromkeys(("LogisticRegression", "LogisticRegressionCV"), ("solver", ("liblinear", "sag", "saga"))),
    **dict.fromkeys(("Ridge", "RidgeClassifier"), ("solver", ("sag", "saga"))),
    **dict.fromkeys(
        (
            "ElasticNet", "ElasticNetCV", "Lasso", "LassoCV", "MultiTaskElasticNet", "MultiTaskElasticNetCV",
            "MultiTaskLasso", "MultiTaskLassoCV",
        ),
        ("selection", ("random",)),
    ),
    **dict.fromkeys(("SVC", "NuSVC"), ("probability", (True,))),
    **dict.fromkeys(("ClassifierChain", "RegressorChain"), ("order", ("random",))),
    **dict.fromkeys(
        ("KernelPCA", "LocallyLinearEmbedding", "SpectralEmbedding"),
        ("eigen_solver", ("randomized", "arpack", "lobpcg", "amg")),
    ),
    "PCA": ("svd_solver", ("randomized", "arpack")),
    "DummyClassifier": ("strategy", ("stratified", "uniform")),
    "IterativeImputer": ("sample_posterior", (True,)),
    "KBinsDiscretizer": ("strategy", ("kmeans",)),
    "NeighborhoodComponentsAnalysis": ("init", ("random",)),
    "learning_curve": ("shuffle", (True,)),
}  # fmt: skip

# Those that take `random_state` and draw nothing that a result rests on, as they are usually called.
STEADY = {
    "GaussianProcessClassifier", "GaussianProcessRegressor", "Lars", "LassoLars",
    "TunedThresholdClassifierCV",
}  # fmt: skip
